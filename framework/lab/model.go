package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/llm/model"
	"github.com/tunelab/tunelab/framework/llm/tokenizer"
	"github.com/tunelab/tunelab/framework/train/peft"
)

// Model is a model folder, ready to score and to generate, from any number of
// goroutines. Close gives its memory and threads back.
type Model struct {
	dir   string
	m     *model.Model
	tok   *tokenizer.Tokenizer // nil: the folder has none
	noTok error                // then: why

	mu     sync.RWMutex // read while the model is in use
	closed bool
}

// ErrClosed says that a Model was closed before it was used.
var ErrClosed = errors.New("is closed")

// Open loads a model, with a PEFT adapter on it where a folder is named. A folder
// without tokenizer.json takes ids, and no texts.
func (m Models) Open(ctx context.Context, name, adapter string, threads int) (*Model, error) {
	path, err := m.Dir(ctx, name)
	if err != nil {
		return nil, err
	}
	if err := decodes(path); err != nil {
		return nil, err
	}
	e, err := compute.Open("cpu", threads)
	if err != nil {
		return nil, err
	}
	lm, err := model.Load(path, e, model.Options{Frozen: true})
	if err != nil {
		compute.Close(e)
		return nil, err
	}
	out := &Model{dir: path, m: lm}
	if out.tok, err = tokenizer.Load(path); errors.Is(err, fs.ErrNotExist) {
		out.tok, out.noTok, err = nil, err, nil
	}
	if err == nil && adapter != "" {
		err = compute.Recover(func() error {
			_, err := peft.Load(lm, adapter)
			return err
		})
	}
	if err != nil {
		out.Close()
		return nil, err
	}
	return out, nil
}

// Close gives back what the model holds, once calls that still run are done. From
// then on each call is ErrClosed; closing again does nothing.
func (m *Model) Close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed {
		m.closed = true
		m.m.Free()
		compute.Close(m.m.Engine())
	}
}

// use holds the model open until m.mu.RUnlock.
func (m *Model) use() error {
	m.mu.RLock()
	if m.closed {
		m.mu.RUnlock()
		return fmt.Errorf("model %s: %w", m.dir, ErrClosed)
	}
	return nil
}
