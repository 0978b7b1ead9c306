// Package wire holds what both ends of the plugin protocol must agree on.
package wire

import goplugin "github.com/hashicorp/go-plugin"

const (
	// Protocol is the major version of tunelab.plugin.
	Protocol = 1
	// Minor version: 1 added the host's service Host. A plugin may need no higher
	// one than the host's.
	Minor = 1
	// Name of the one service a plugin dispenses.
	Name = "method"
	// MaxMessage bounds one message in both directions, in bytes; anything
	// larger travels as a file.
	MaxMessage = 16 << 20
	// MaxChunk bounds one message of a stream of bulk data, in bytes.
	MaxChunk = 1 << 20
)

// Handshake tells a plugin process that a tunelab host started it.
var Handshake = goplugin.HandshakeConfig{
	ProtocolVersion:  Protocol,
	MagicCookieKey:   "TUNELAB_PLUGIN",
	MagicCookieValue: "tunelab.plugin.v1",
}
