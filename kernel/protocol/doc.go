// Package protocol speaks Jupyter's messaging protocol, version 5.4: connection
// files, messages and their signatures, and the four kinds of sockets that a kernel
// opens. It knows nothing of Go cells.
//
// https://jupyter-client.readthedocs.io/en/stable/messaging.html
package protocol

// Version is the version of the protocol.
const Version = "5.4"
