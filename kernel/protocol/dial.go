package protocol

import (
	"bufio"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/go-zeromq/zmq4"
	"github.com/go-zeromq/zmq4/security/null"
)

// Client is a client's end of one of a kernel's sockets.
type Client struct{ c *conn }

// Dial connects to a port as a DEALER, or as a subscriber to everything.
func (c *Connection) Dial(port int, identity string, subscribe bool) (*Client, error) {
	network, address := "tcp", net.JoinHostPort(c.IP, strconv.Itoa(port))
	if c.Transport == "ipc" {
		network, address = "unix", fmt.Sprintf("%s-%d", c.IP, port)
	}
	n, err := net.DialTimeout(network, address, handshake)
	if err != nil {
		return nil, err
	}
	kind := zmq4.Dealer
	if subscribe {
		kind = zmq4.Sub
	}
	b := &buffered{Conn: n, r: bufio.NewReader(n), w: bufio.NewWriter(n)}
	n.SetDeadline(time.Now().Add(handshake))
	z, err := zmq4.Open(b, null.Security(), kind, zmq4.SocketIdentity(identity), false, nil)
	if err != nil {
		n.Close()
		return nil, fmt.Errorf("zmq handshake: %w", err)
	}
	n.SetDeadline(time.Time{})
	b.hold = true
	cl := &Client{&conn{Conn: z, buf: b}}
	if subscribe {
		err = cl.c.send([][]byte{{1}})
	}
	return cl, err
}

// Send sends frames.
func (c *Client) Send(frames [][]byte) error { return c.c.send(frames) }

// Receive waits for frames.
func (c *Client) Receive() ([][]byte, error) {
	for {
		m, err := c.c.RecvMsg()
		if err != nil || m.Type == zmq4.UsrMsg {
			return m.Frames, err
		}
	}
}

// Close ends the connection.
func (c *Client) Close() error { return c.c.Close() }

// NewConnection writes a connection file in a folder, for a kernel on sockets there.
func NewConnection(dir string) (c *Connection, file string, err error) {
	c = &Connection{Transport: "ipc", IP: filepath.Join(dir, "kernel"), Shell: 1, Control: 2, Stdin: 3, IOPub: 4, Heartbeat: 5, Key: rand.Text(), Scheme: "hmac-sha256", Name: "tunelab"}
	raw, err := json.Marshal(c)
	if err != nil {
		return nil, "", err
	}
	file = filepath.Join(dir, "connection.json")
	return c, file, os.WriteFile(file, raw, 0o600)
}
