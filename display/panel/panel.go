// Package panel drives what shows a screen: a PNG file, a kiosk page; later
// framebuffers and SPI panels.
//
// A new driver implements Panel, and Health, Confirmer and Reporter as far as
// its device lets it know, draws with display.Render, and calls Register with
// its URL scheme from init; nothing else changes.
package panel

import "github.com/chekomat/chekomat/display"

// Panel shows screens. Show returns after the screen is visible as far as the
// panel can know; an error means it may not be.
type Panel interface {
	Show(display.Screen) error
	Close() error
}
