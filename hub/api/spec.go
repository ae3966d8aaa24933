// Package api is the hub's public HTTP API: the dashboard, the command line,
// the demo and customers use this and nothing else. openapi.yaml is its source
// of truth; tests hold every answer against it.
package api

import _ "embed" // for the document

// Spec is the OpenAPI document, served at /openapi.yaml.
//
//go:embed openapi.yaml
var Spec []byte
