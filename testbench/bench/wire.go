package bench

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"os"
	"sync/atomic"
	"time"
)

// counter is a line between an agent and the broker that counts what goes over
// it, TLS and all: the agent speaks TLS to it, it speaks plain to the broker.
type counter struct {
	ln     net.Listener
	broker string
	up     atomic.Int64 // bytes from the agent
	down   atomic.Int64
}

// newCounter listens, and writes the certificate agents are to trust to ca.
func newCounter(broker, ca string) (*counter, error) {
	cert, err := selfSigned(ca)
	if err != nil {
		return nil, fmt.Errorf("bench: certificate of the line: %w", err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("bench: listen for an agent: %w", err)
	}
	c := &counter{ln: ln, broker: broker}
	go c.serve(&tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12})
	return c, nil
}

func (c *counter) url() string { return "mqtts://" + c.ln.Addr().String() }

func (c *counter) serve(cfg *tls.Config) {
	for {
		conn, err := c.ln.Accept()
		if err != nil {
			return
		}
		go func() {
			agent := tls.Server(&counted{conn, c}, cfg)
			defer agent.Close()
			broker, err := net.Dial("tcp", c.broker)
			if err != nil {
				return // the agent sees the line break, and comes again
			}
			defer broker.Close()
			go func() {
				_, _ = io.Copy(broker, agent)
				broker.Close()
				agent.Close()
			}()
			_, _ = io.Copy(agent, broker)
		}()
	}
}

// counted is the agent's end of the line below TLS.
type counted struct {
	net.Conn
	c *counter
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.c.up.Add(int64(n))
	return n, err
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.c.down.Add(int64(n))
	return n, err
}

// selfSigned makes a certificate of 127.0.0.1 for a day and writes it to path.
func selfSigned(path string) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "127.0.0.1"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		return tls.Certificate{}, err
	}
	err = os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
}

// pause waits, or ends early with ctx.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return errors.Join(errors.New("bench: interrupted"), ctx.Err())
	}
}
