// Package client drives a kernel as Jupyter does: it starts the program on a
// connection file and runs cells over the protocol. The self-test, the headless
// notebook and tests use it.
package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/tunelab/tunelab/kernel/protocol"
)

// Client is a kernel that runs, and the connection to it.
type Client struct {
	cmd     *exec.Cmd
	exited  chan error
	dir     string
	session *protocol.Session
	shell   *protocol.Client
	control *protocol.Client
	stdin   *protocol.Client
	iopub   *protocol.Client

	mu      sync.Mutex
	replies map[string]chan *protocol.Message
	outputs map[string]chan *protocol.Message
	fatal   error
	gone    chan bool
}

// Output is a message of a cell on iopub: stream, execute_result, display_data,
// update_display_data, clear_output or error.
type Output struct {
	Type    string
	Content json.RawMessage
}

// Reply is the end of a cell.
type Reply struct {
	Status string `json:"status"`
	Count  int    `json:"execution_count"`
	Name   string `json:"ename"`
	Value  string `json:"evalue"`
}

// Start starts a kernel: the program of command, with a connection file behind it.
// What the program itself prints goes to stderr.
func Start(ctx context.Context, command []string, stderr io.Writer) (*Client, error) {
	dir, err := os.MkdirTemp("", "tunelab-kernel")
	if err != nil {
		return nil, err
	}
	c := &Client{dir: dir, exited: make(chan error, 1), replies: map[string]chan *protocol.Message{}, outputs: map[string]chan *protocol.Message{}, gone: make(chan bool)}
	conn, file, err := protocol.NewConnection(dir)
	if err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	c.session = protocol.NewSession(conn.Key)
	c.cmd = exec.Command(command[0], append(command[1:len(command):len(command)], file)...)
	c.cmd.Env = append(os.Environ(), "TUNELAB_KERNEL_HISTORY=") // what programs run is nobody's history
	c.cmd.Stderr = stderr
	if err := c.cmd.Start(); err != nil {
		os.RemoveAll(dir)
		return nil, fmt.Errorf("starting the kernel: %w", err)
	}
	go func() { c.exited <- c.cmd.Wait() }()
	if err := c.connect(ctx, conn); err != nil {
		c.cmd.Process.Kill()
		os.RemoveAll(dir)
		return nil, err
	}
	return c, nil
}

func (c *Client) connect(ctx context.Context, conn *protocol.Connection) error {
	for {
		var err error
		if c.shell, err = conn.Dial(conn.Shell, c.session.ID, false); err == nil {
			break
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the kernel does not open its sockets: %w", err)
		case e := <-c.exited:
			return fmt.Errorf("the kernel ended as it started: %v", e)
		case <-time.After(5 * time.Millisecond):
		}
	}
	var err error
	if c.control, err = conn.Dial(conn.Control, c.session.ID, false); err != nil {
		return err
	}
	if c.stdin, err = conn.Dial(conn.Stdin, c.session.ID, false); err != nil {
		return err
	}
	if c.iopub, err = conn.Dial(conn.IOPub, "", true); err != nil {
		return err
	}
	welcome, err := c.iopub.Receive() // the subscription is there
	if err != nil {
		return err
	}
	if _, err := c.session.Decode(welcome); err != nil {
		return err
	}
	for s, box := range map[*protocol.Client]map[string]chan *protocol.Message{c.shell: c.replies, c.control: c.replies, c.iopub: c.outputs} {
		go c.read(s, box)
	}
	return nil
}

// read hands messages to whoever waits for those of their parent.
func (c *Client) read(s *protocol.Client, box map[string]chan *protocol.Message) {
	for {
		frames, err := s.Receive()
		var m *protocol.Message
		if err == nil {
			if m, err = c.session.Decode(frames); err != nil {
				continue
			}
		}
		c.mu.Lock()
		if err != nil {
			if c.fatal == nil {
				c.fatal = fmt.Errorf("the kernel is gone: %w", err)
				close(c.gone)
			}
			c.mu.Unlock()
			return
		}
		var parent protocol.Header
		json.Unmarshal(m.Parent, &parent)
		ch := box[parent.ID]
		c.mu.Unlock()
		if ch != nil {
			ch <- m
		}
	}
}

// Request sends a request on shell, or on control, and waits for its reply.
func (c *Client) Request(ctx context.Context, control bool, kind string, content, reply any) error {
	_, err := c.request(ctx, control, kind, content, reply, nil)
	return err
}

func (c *Client) request(ctx context.Context, control bool, kind string, content, reply any, output func(Output)) (ok bool, err error) {
	m := &protocol.Message{Header: protocol.Header{Type: kind}, Content: content}
	frames, err := c.session.Encode(m)
	if err != nil {
		return false, err
	}
	answer, outputs := make(chan *protocol.Message, 1), make(chan *protocol.Message, 1000)
	c.mu.Lock()
	c.replies[m.Header.ID] = answer
	if output != nil {
		c.outputs[m.Header.ID] = outputs
	}
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		delete(c.replies, m.Header.ID)
		delete(c.outputs, m.Header.ID)
		c.mu.Unlock()
		for len(outputs) > 0 { // let go a reader that waits here
			<-outputs
		}
	}()
	to := c.shell
	if control {
		to = c.control
	}
	if err := to.Send(frames); err != nil {
		return false, err
	}
	for replied, idle := false, output == nil; !replied || !idle; {
		select {
		case r := <-answer:
			if err := r.Read(reply); err != nil {
				return false, err
			}
			replied = true
		case o := <-outputs:
			var s struct {
				State string `json:"execution_state"`
			}
			if o.Header.Type == "status" {
				o.Read(&s)
				idle = s.State == "idle"
				continue
			}
			output(Output{o.Header.Type, o.Content.(json.RawMessage)})
		case <-c.gone:
			return false, c.fatal
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
	return true, nil
}

// Execute runs a cell and calls output with what it shows, in order.
func (c *Client) Execute(ctx context.Context, code string, output func(Output)) (Reply, error) {
	var r Reply
	_, err := c.request(ctx, false, "execute_request", map[string]any{"code": code, "silent": false, "store_history": true, "allow_stdin": false, "stop_on_error": true, "user_expressions": map[string]any{}}, &r, output)
	return r, err
}

// Interrupt stops the cell that runs.
func (c *Client) Interrupt(ctx context.Context) error {
	return c.Request(ctx, true, "interrupt_request", map[string]any{}, &struct{}{})
}

// Close asks the kernel to end and waits for it; one that does not is killed.
func (c *Client) Close() error {
	defer os.RemoveAll(c.dir)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err := c.Request(ctx, true, "shutdown_request", map[string]any{"restart": false}, &struct{}{})
	if err != nil && strings.Contains(err.Error(), "gone") {
		err = nil
	}
	select {
	case e := <-c.exited:
		err = errors.Join(err, e)
	case <-ctx.Done():
		c.cmd.Process.Kill()
		err = errors.Join(err, errors.New("the kernel did not end and was killed"))
	}
	for _, s := range []*protocol.Client{c.shell, c.control, c.stdin, c.iopub} {
		s.Close()
	}
	return err
}
