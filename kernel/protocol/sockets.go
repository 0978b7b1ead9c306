package protocol

import (
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/go-zeromq/zmq4"
)

// Router receives from many peers, and sends to the one that a message names.
type Router struct {
	l     net.Listener
	mu    sync.Mutex
	count int
	peers []*peer // in the order in which they came
}

// peer is a connection. Several may give the same identity: clients that share a
// session, and one that comes back.
type peer struct {
	*conn
	identity string
	key      string // of this connection
}

// NewRouter listens; receive is called with the frames of each message, the key of
// its connection first, on a goroutine for each peer.
func NewRouter(l net.Listener, receive func(frames [][]byte)) *Router {
	r := &Router{l: l}
	go serve(l, zmq4.Router, func(c *conn) {
		p := &peer{conn: c, identity: c.Peer.Meta["Identity"]}
		r.mu.Lock()
		r.count++
		p.key = p.identity + "\x00" + strconv.Itoa(r.count)
		r.peers = append(r.peers, p)
		r.mu.Unlock()
		for {
			m, err := c.RecvMsg()
			if err != nil {
				break
			}
			if m.Type == zmq4.UsrMsg {
				receive(append([][]byte{[]byte(p.key)}, m.Frames...))
			}
		}
		r.mu.Lock()
		r.peers = slices.DeleteFunc(r.peers, func(q *peer) bool { return q == p })
		r.mu.Unlock()
	})
	return r
}

// Send sends frames to the connection whose key the first of them is. A key of
// another router's reaches the last peer here of the same identity: a client's other
// socket. What is sent to a peer that is gone is lost, as ZeroMQ has it.
func (r *Router) Send(frames [][]byte) error {
	key := string(frames[0])
	identity := key[:max(0, strings.LastIndexByte(key, 0))]
	var to *peer
	r.mu.Lock()
	for _, p := range r.peers {
		if p.key == key {
			to = p
			break
		}
		if p.identity == identity {
			to = p
		}
	}
	r.mu.Unlock()
	if to == nil {
		return nil
	}
	return to.send(frames[1:])
}

// Close stops listening and drops the peers.
func (r *Router) Close() error {
	err := r.l.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.peers {
		c.Close()
	}
	return err
}

// waiting is how many messages may wait for a subscriber before it loses some.
const waiting = 10000

// Publisher sends every message to all who subscribed to its topic.
type Publisher struct {
	l       net.Listener
	mu      sync.Mutex
	readers map[*subscriber]bool
	sending sync.WaitGroup
	closed  bool
}

type subscriber struct {
	c      *conn
	out    chan [][]byte
	topics map[string]bool
}

// NewPublisher listens; welcome gives the frames that a new subscriber is greeted
// with, beside the topic that it subscribed to.
func NewPublisher(l net.Listener, welcome func(topic string) [][]byte) *Publisher {
	p := &Publisher{l: l, readers: map[*subscriber]bool{}}
	go serve(l, zmq4.XPub, func(c *conn) { p.reader(c, welcome) })
	return p
}

func (p *Publisher) reader(c *conn, welcome func(string) [][]byte) {
	s := &subscriber{c: c, out: make(chan [][]byte, waiting), topics: map[string]bool{}}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return
	}
	p.readers[s] = true
	p.sending.Go(func() {
		defer c.Close()
		for frames := range s.out {
			if c.send(frames) != nil {
				c.Close()
			}
		}
	})
	p.mu.Unlock()
	for {
		m, err := c.RecvMsg()
		if err != nil {
			break
		}
		if len(m.Frames) == 0 || len(m.Frames[0]) == 0 {
			continue
		}
		topic := string(m.Frames[0][1:])
		p.mu.Lock()
		switch m.Frames[0][0] {
		case 1:
			s.topics[topic] = true
			s.put(welcome(topic))
		case 0:
			delete(s.topics, topic)
		}
		p.mu.Unlock()
	}
	p.mu.Lock()
	if p.readers[s] {
		delete(p.readers, s)
		close(s.out)
	}
	p.mu.Unlock()
}

func (s *subscriber) put(frames [][]byte) {
	if frames == nil {
		return
	}
	select {
	case s.out <- frames:
	default: // too slow: lost, as ZeroMQ has it
	}
}

// Send publishes frames, of which the first is the topic.
func (p *Publisher) Send(frames [][]byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for s := range p.readers {
		for t := range s.topics {
			if strings.HasPrefix(string(frames[0]), t) {
				s.put(frames)
				break
			}
		}
	}
}

// Close sends what waits, then drops the subscribers.
func (p *Publisher) Close() error {
	err := p.l.Close()
	p.mu.Lock()
	p.closed = true
	for s := range p.readers {
		delete(p.readers, s)
		close(s.out)
	}
	p.mu.Unlock()
	done := make(chan bool)
	go func() { p.sending.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(time.Second): // a subscriber that does not read
	}
	return err
}

// Echo answers every message with itself: a heartbeat.
func Echo(l net.Listener) {
	serve(l, zmq4.Rep, func(c *conn) {
		for {
			m, err := c.RecvMsg()
			if err != nil || m.Type == zmq4.UsrMsg && c.send(m.Frames) != nil {
				return
			}
		}
	})
}
