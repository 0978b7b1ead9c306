package protocol

import (
	"bufio"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/go-zeromq/zmq4"
	"github.com/go-zeromq/zmq4/security/null"
)

// The sockets here are made of zmq4's connections alone: its own ROUTER and PUB lose
// peers that reconnect (issue 115 there) and hide subscriptions.

// handshake is how long a peer may take to introduce itself.
const handshake = 5 * time.Second

// conn is a connection that writes each message at once.
type conn struct {
	*zmq4.Conn
	buf *buffered
	mu  sync.Mutex // over writing
}

type buffered struct {
	net.Conn
	r    *bufio.Reader
	w    *bufio.Writer
	hold bool // write at flush only
}

func (b *buffered) Read(p []byte) (int, error) { return b.r.Read(p) }

func (b *buffered) Write(p []byte) (int, error) {
	n, err := b.w.Write(p)
	if err == nil && !b.hold {
		err = b.w.Flush()
	}
	return n, err
}

// accept introduces this end to a new peer as a socket of the kind.
func accept(c net.Conn, kind zmq4.SocketType) (*conn, error) {
	b := &buffered{Conn: c, r: bufio.NewReader(c), w: bufio.NewWriter(c)}
	c.SetDeadline(time.Now().Add(handshake))
	z, err := zmq4.Open(b, null.Security(), kind, nil, true, nil)
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("zmq handshake: %w", err)
	}
	c.SetDeadline(time.Time{})
	b.hold = true
	return &conn{Conn: z, buf: b}, nil
}

func (c *conn) send(frames [][]byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.SendMsg(zmq4.NewMsgFrom(frames...)); err != nil {
		return err
	}
	return c.buf.w.Flush()
}

// serve accepts peers until the listener is closed, and calls handle with each on a
// goroutine of its own; the connection is closed when it returns.
func serve(l net.Listener, kind zmq4.SocketType, handle func(*conn)) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			peer, err := accept(c, kind)
			if err != nil {
				return // a port scanner, or a peer that went away
			}
			defer peer.Close()
			handle(peer)
		}()
	}
}
