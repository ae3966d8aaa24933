package module

import (
	"context"
	"errors"
	"net/url"
)

var errNotYet = errors.New("module link is not built in")

func openTCP(context.Context, *url.URL, Cursor) (Source, error)    { return nil, errNotYet }
func openSerial(context.Context, *url.URL, Cursor) (Source, error) { return nil, errNotYet }
