package protocol

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Header identifies a message.
type Header struct {
	ID       string `json:"msg_id"`
	Session  string `json:"session"`
	Username string `json:"username"`
	Date     string `json:"date"`
	Type     string `json:"msg_type"`
	Version  string `json:"version"`
}

// Message is one message, in or out. An incoming one has its content as json.RawMessage.
type Message struct {
	Peers    [][]byte // routing frames; a topic on iopub
	Header   Header
	Raw      json.RawMessage // the header as it came: the parent of what answers it
	Parent   json.RawMessage // header of the message that caused this one; nil: none
	Metadata any
	Content  any
}

// Session signs what a kernel sends and checks what it is sent.
type Session struct {
	ID  string
	key []byte
}

// NewSession takes the connection's key; an empty one means messages are not signed.
func NewSession(key string) *Session { return &Session{ID: newID(), key: []byte(key)} }

func newID() string {
	b := make([]byte, 16)
	rand.Read(b)
	return hex.EncodeToString(b)
}

var delimiter = []byte("<IDS|MSG>")

func (s *Session) sign(parts [][]byte) string {
	if len(s.key) == 0 {
		return ""
	}
	m := hmac.New(sha256.New, s.key)
	for _, p := range parts {
		m.Write(p)
	}
	return hex.EncodeToString(m.Sum(nil))
}

// Encode gives a message's frames. It sets the header's id, session and date.
func (s *Session) Encode(m *Message) ([][]byte, error) {
	m.Header.ID, m.Header.Session, m.Header.Username = newID(), s.ID, "kernel"
	m.Header.Date, m.Header.Version = time.Now().UTC().Format(time.RFC3339Nano), Version
	parts := make([][]byte, 4)
	for i, v := range []any{m.Header, m.Parent, m.Metadata, m.Content} {
		if raw, ok := v.(json.RawMessage); v == nil || ok && raw == nil {
			parts[i] = []byte("{}")
			continue
		}
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(v); err != nil {
			return nil, fmt.Errorf("message %s: %w", m.Header.Type, err)
		}
		parts[i] = bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	}
	return append(append(slices.Clone(m.Peers), delimiter, []byte(s.sign(parts))), parts...), nil
}

// Decode reads a message's frames and checks the signature.
func (s *Session) Decode(frames [][]byte) (*Message, error) {
	i := slices.IndexFunc(frames, func(f []byte) bool { return bytes.Equal(f, delimiter) })
	if i < 0 || len(frames) < i+6 {
		return nil, errors.New("message: frames are missing")
	}
	parts := frames[i+2 : i+6]
	if want := s.sign(parts); !hmac.Equal([]byte(want), frames[i+1]) {
		return nil, errors.New("message: the signature is wrong")
	}
	m := &Message{Peers: frames[:i], Raw: parts[0], Parent: parts[1], Content: json.RawMessage(parts[3])}
	if err := json.Unmarshal(parts[0], &m.Header); err != nil {
		return nil, fmt.Errorf("message: header: %w", err)
	}
	return m, nil
}

// Read takes an incoming message's content apart.
func (m *Message) Read(into any) error {
	raw, ok := m.Content.(json.RawMessage)
	if !ok {
		return fmt.Errorf("message %s was not received", m.Header.Type)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fmt.Errorf("message %s: content: %w", m.Header.Type, err)
	}
	return nil
}
