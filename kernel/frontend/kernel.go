package frontend

import (
	"fmt"
	"log"
	"sync"
	"time"

	"github.com/tunelab/tunelab/kernel/history"
	"github.com/tunelab/tunelab/kernel/protocol"
)

// Kernel answers one connection file.
type Kernel struct {
	session *protocol.Session
	shell   *protocol.Router
	control *protocol.Router
	stdin   *protocol.Router
	iopub   *protocol.Publisher
	history *history.History
	outputs *outputs
	worker  *worker
	sources map[int]string // of the cells, by their numbers; the goroutine of executions alone has it

	mu      sync.Mutex
	count   int // executions so far
	queue   []*request
	wake    chan bool
	current *request // that runs, or ran last: what goroutines print belongs to it
	asked   chan string

	quit     chan bool
	quitOnce sync.Once
}

// request is a message with the socket that it came from.
type request struct {
	*protocol.Message
	from *protocol.Router
}

// New opens the sockets of a connection and starts a worker. start gives the command
// line of a worker.
func New(c *protocol.Connection, h *history.History, start []string) (*Kernel, error) {
	k := &Kernel{
		session: protocol.NewSession(c.Key), history: h,
		sources: map[int]string{}, wake: make(chan bool, 1), quit: make(chan bool), asked: make(chan string, 1),
	}
	k.outputs = newOutputs(k.stream)
	var err error
	router := func(port int, handle func(*request)) (r *protocol.Router) {
		l, e := c.Listen(port)
		if e != nil {
			err = e
			return nil
		}
		ready := make(chan bool)
		r = protocol.NewRouter(l, func(frames [][]byte) {
			<-ready
			m, err := k.session.Decode(frames)
			if err != nil {
				log.Printf("tunelab-kernel: %v", err)
				return
			}
			handle(&request{m, r})
		})
		close(ready)
		return r
	}
	if l, e := c.Listen(c.IOPub); e != nil {
		err = e
	} else {
		k.iopub = protocol.NewPublisher(l, k.welcome)
	}
	k.control = router(c.Control, k.onControl)
	k.stdin = router(c.Stdin, k.onStdin)
	if l, e := c.Listen(c.Heartbeat); e != nil {
		err = e
	} else {
		go protocol.Echo(l)
	}
	k.shell = router(c.Shell, k.onShell)
	if err != nil {
		return nil, fmt.Errorf("opening the kernel's sockets: %w", err)
	}
	k.worker = newWorker(start, k.outputs, k.onEvent)
	k.publish(nil, "status", content{"execution_state": "starting"})
	go k.executions()
	return k, nil
}

// Run serves until a client asks for the end.
func (k *Kernel) Run() error {
	<-k.quit
	k.worker.stop()
	err := k.history.Close()
	k.shell.Close()
	k.control.Close()
	k.stdin.Close()
	k.iopub.Close()
	return err
}

// Quit ends the kernel.
func (k *Kernel) Quit() { k.quitOnce.Do(func() { close(k.quit) }) }

type content map[string]any

// publish sends to everybody, as caused by a request.
func (k *Kernel) publish(r *request, kind string, c any) {
	m := &protocol.Message{Peers: [][]byte{[]byte("kernel." + k.session.ID + "." + kind)}, Header: protocol.Header{Type: kind}, Content: c}
	if r != nil {
		m.Parent = r.Raw
	}
	frames, err := k.session.Encode(m)
	if err != nil {
		log.Printf("tunelab-kernel: %v", err)
		return
	}
	k.iopub.Send(frames)
}

// welcome greets a new subscriber of iopub.
func (k *Kernel) welcome(topic string) [][]byte {
	frames, err := k.session.Encode(&protocol.Message{Peers: [][]byte{[]byte(topic)}, Header: protocol.Header{Type: "iopub_welcome"}, Content: content{"subscription": topic}})
	if err != nil {
		return nil
	}
	return frames
}

// reply answers a request on the socket that it came from.
func (k *Kernel) reply(r *request, kind string, c content) {
	if c["status"] == nil {
		c["status"] = "ok"
	}
	m := &protocol.Message{Peers: r.Peers, Header: protocol.Header{Type: kind}, Parent: r.Raw, Metadata: content{"started": started.Format(time.RFC3339Nano), "status": c["status"]}, Content: c}
	frames, err := k.session.Encode(m)
	if err == nil {
		err = r.from.Send(frames)
	}
	if err != nil {
		log.Printf("tunelab-kernel: %v", err)
	}
}

var started = time.Now().UTC()

// during brackets the work on a request with busy and idle.
func (k *Kernel) during(r *request, work func()) {
	k.publish(r, "status", content{"execution_state": "busy"})
	work()
	k.publish(r, "status", content{"execution_state": "idle"})
}

// onShell takes what a client asks. Cells wait in a queue; the rest is answered at
// once, also while a cell runs.
func (k *Kernel) onShell(r *request) {
	if r.Header.Type == "execute_request" {
		k.mu.Lock()
		k.queue = append(k.queue, r)
		k.mu.Unlock()
		select {
		case k.wake <- true:
		default:
		}
		return
	}
	if f := k.answers()[r.Header.Type]; f != nil {
		k.during(r, func() { f(r) })
	}
}

// onControl takes what must not wait.
func (k *Kernel) onControl(r *request) {
	switch r.Header.Type {
	case "interrupt_request":
		k.during(r, func() {
			k.Interrupt()
			k.reply(r, "interrupt_reply", content{})
		})
	case "shutdown_request":
		var c struct{ Restart bool }
		r.Read(&c)
		k.during(r, func() {
			answer := content{"status": "ok", "restart": c.Restart}
			k.reply(r, "shutdown_reply", answer)
			k.publish(r, "shutdown_reply", answer)
		})
		k.Quit()
	default:
		if f := k.answers()[r.Header.Type]; f != nil {
			k.during(r, func() { f(r) })
		}
	}
}

func (k *Kernel) onStdin(r *request) {
	if r.Header.Type != "input_reply" {
		return
	}
	var c struct{ Value string }
	if err := r.Read(&c); err != nil {
		log.Printf("tunelab-kernel: %v", err)
		return
	}
	select {
	case k.asked <- c.Value:
	default: // nobody asked
	}
}
