package protocol

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func connection(t *testing.T) *Connection {
	t.Helper()
	dir, err := os.MkdirTemp("", "kernel") // t.TempDir is too long for the path of a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	_, file, err := NewConnection(dir)
	if err != nil {
		t.Fatal(err)
	}
	c, err := ReadConnection(file)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestMessagesAreSigned(t *testing.T) {
	s := NewSession("secret")
	frames, err := s.Encode(&Message{Peers: [][]byte{[]byte("peer")}, Header: Header{Type: "kernel_info_request"}, Content: map[string]any{"html": "<b>", "n": 1}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := s.Decode(frames)
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		HTML string
		N    int
	}
	if err := m.Read(&c); err != nil || c.HTML != "<b>" || c.N != 1 || string(m.Peers[0]) != "peer" || m.Header.Type != "kernel_info_request" || len(m.Header.ID) != 32 {
		t.Errorf("%+v %+v %v", m.Header, c, err)
	}
	for i := 2; i < len(frames); i++ {
		bad := slices.Clone(frames)
		bad[i] = append([]byte(" "), bad[i]...)
		if _, err := s.Decode(bad); err == nil {
			t.Errorf("frame %d was changed, and the message is taken", i)
		}
	}
	if _, err := s.Decode(frames[:4]); err == nil {
		t.Error("half a message is taken")
	}
	if _, err := NewSession("other").Decode(frames); err == nil {
		t.Error("a message with another key is taken")
	}
	if _, err := s.Encode(&Message{Content: make(chan int)}); err == nil {
		t.Error("a channel is encoded")
	}
}

// ping sends a text and waits for the answer, which must be the text again.
func ping(t *testing.T, c *Client, text string) {
	t.Helper()
	if err := c.Send([][]byte{[]byte(text)}); err != nil {
		t.Fatal(err)
	}
	got := make(chan string, 1)
	go func() {
		frames, err := c.Receive()
		got <- fmt.Sprintf("%s %v", frames, err)
	}()
	select {
	case s := <-got:
		if s != fmt.Sprintf("[%s] <nil>", text) {
			t.Errorf("%s came back as %s", text, s)
		}
	case <-time.After(5 * time.Second):
		t.Fatalf("%s does not come back", text)
	}
}

func TestRouterAnswersTheConnectionThatAsked(t *testing.T) {
	c := connection(t)
	l, err := c.Listen(c.Shell)
	if err != nil {
		t.Fatal(err)
	}
	answer := make(chan [][]byte, 10)
	r := NewRouter(l, func(frames [][]byte) { answer <- frames })
	defer r.Close()
	go func() {
		for f := range answer {
			r.Send(f)
		}
	}()
	dial := func() *Client {
		cl, err := c.Dial(c.Shell, "same", false)
		if err != nil {
			t.Fatal(err)
		}
		return cl
	}
	a, b := dial(), dial()
	ping(t, a, "from a")
	ping(t, b, "from b")
	ping(t, a, strings.Repeat("long ", 100_000))
	b.Close()
	ping(t, a, "b is gone")
	again := dial()
	ping(t, again, "b is back")
	ping(t, a, "a is still there")
	if err := r.Send([][]byte{[]byte("same\x00999"), []byte("by identity")}); err != nil {
		t.Error(err)
	}
	if f, err := again.Receive(); err != nil || string(f[0]) != "by identity" {
		t.Errorf("another socket's key reaches %s %v", f, err)
	}
	if err := r.Send([][]byte{[]byte("nobody\x001"), nil}); err != nil {
		t.Errorf("to a peer that is gone: %v", err)
	}
}

func TestPublisherWelcomesAndPublishes(t *testing.T) {
	c := connection(t)
	l, err := c.Listen(c.IOPub)
	if err != nil {
		t.Fatal(err)
	}
	p := NewPublisher(l, func(topic string) [][]byte { return [][]byte{[]byte(topic), []byte("welcome")} })
	var clients []*Client
	for range 2 {
		cl, err := c.Dial(c.IOPub, "", true)
		if err != nil {
			t.Fatal(err)
		}
		if f, err := cl.Receive(); err != nil || len(f) != 2 || string(f[1]) != "welcome" {
			t.Fatalf("welcomed with %s %v", f, err)
		}
		clients = append(clients, cl)
	}
	const n = 500
	for i := range n {
		p.Send([][]byte{[]byte("topic"), []byte(fmt.Sprint(i))})
	}
	p.Close()
	for _, cl := range clients {
		for i := range n {
			f, err := cl.Receive()
			if err != nil || string(f[1]) != fmt.Sprint(i) {
				t.Fatalf("message %d is %s %v", i, f, err)
			}
		}
	}
}

func TestEcho(t *testing.T) {
	c := connection(t)
	l, err := c.Listen(c.Heartbeat)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go Echo(l)
	cl, err := c.Dial(c.Heartbeat, "", false)
	if err != nil {
		t.Fatal(err)
	}
	ping(t, cl, "ping")
}

func TestConnectionFiles(t *testing.T) {
	write := func(v any) string {
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		f := filepath.Join(t.TempDir(), "c.json")
		if err := os.WriteFile(f, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		return f
	}
	for _, c := range []struct {
		file string
		want string
	}{
		{"/nowhere/c.json", "no such file"},
		{write("text"), "cannot unmarshal"},
		{write(map[string]any{"signature_scheme": "hmac-md5"}), "hmac-md5"},
	} {
		if _, err := ReadConnection(c.file); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
	c, err := ReadConnection(write(map[string]any{"transport": "carrier-pigeon"}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Listen(1); err == nil || !strings.Contains(err.Error(), "carrier-pigeon") {
		t.Errorf("an unknown transport: %v", err)
	}
}
