package broker

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"
)

// TLSFiles makes a TLS configuration from PEM files. With clientCA agents must
// show a certificate it signed, besides their password.
func TLSFiles(cert, key, clientCA string) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("broker: certificate %s with key %s: %w", cert, key, err)
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{pair}}
	if clientCA == "" {
		return cfg, nil
	}
	pem, err := os.ReadFile(clientCA)
	if err != nil {
		return nil, fmt.Errorf("broker: client CA: %w", err)
	}
	cfg.ClientCAs = x509.NewCertPool()
	if !cfg.ClientCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("broker: client CA %s holds no certificate", clientCA)
	}
	cfg.ClientAuth = tls.RequireAndVerifyClientCert
	return cfg, nil
}

// gate bounds open connections, and the time a stranger may take to introduce
// itself: the library sets deadlines from CONNECT on only.
type gate struct {
	net.Listener
	wait time.Duration
	room chan struct{}
	log  *slog.Logger
}

// Accept turns a connection away at once when there is no room, so that the
// agent tries again later instead of waiting unheard.
func (g *gate) Accept() (net.Conn, error) {
	for {
		c, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case g.room <- struct{}{}:
		default:
			g.log.Warn("mqtt: connection turned away", "remote", c.RemoteAddr(), "why", "too many connections")
			_ = c.Close()
			continue
		}
		if err := c.SetDeadline(time.Now().Add(g.wait)); err != nil {
			<-g.room
			_ = c.Close()
			continue
		}
		return &guest{Conn: c, leave: sync.OnceFunc(func() { <-g.room })}, nil
	}
}

// guest frees its place when it is closed.
type guest struct {
	net.Conn
	leave func()
}

func (c *guest) Close() error {
	c.leave()
	return c.Conn.Close()
}
