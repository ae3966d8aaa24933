package api

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/chekomat/chekomat/hub/api/contract"
	"github.com/chekomat/chekomat/hub/store"
)

// Waiting answers while the hub has no database yet: /health says what it waits
// for, everything else is refused for now. why gives the newest reason, nil
// before there is one.
func Waiting(version string, now func() time.Time, why func() error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "2")
		if r.URL.Path != "/health" {
			(&problem{status: http.StatusServiceUnavailable, code: "hub_starting"}).write(w, langOf(r))
			return
		}
		v := contract.Health{Status: healthFailed, Version: version, At: now().UTC(),
			Checks: []contract.HealthCheck{{Name: "store", Status: healthFailed, Detail: detailOf(why())}}}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusServiceUnavailable)
		_ = json.NewEncoder(w).Encode(v) // the client has gone: nobody to tell
	})
}

// detailOf is a store's error as everyone may read it: where the server is and
// who asks are not for everyone.
func detailOf(err error) string {
	switch cause := store.Cause(err); {
	case err == nil:
		return "the hub is starting"
	case cause != nil:
		return cause.Error()
	}
	return err.Error()
}
