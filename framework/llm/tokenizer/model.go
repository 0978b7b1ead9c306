package tokenizer

import (
	"encoding/json"
	"fmt"
	"runtime"
	"sync"
)

// model turns words into ids: tokenizer.json's "model".
type model interface {
	// encode appends the ids of a word that is not empty.
	encode(w *workspace, ids []int, word string) []int
	// id looks up a token as the file spells it.
	id(token string) (int, bool)
	// tokens is the vocabulary by token.
	tokens() map[string]int
}

func newModel(raw json.RawMessage) (model, error) {
	var head struct{ Type string }
	if len(raw) == 0 {
		return nil, fmt.Errorf("model: is missing")
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	switch head.Type {
	case "BPE", "": // old GPT-2 files leave the type out
		return newBPE(raw)
	case "WordPiece":
		return newWordPiece(raw)
	case "Unigram":
		return newUnigram(raw)
	}
	return nil, fmt.Errorf("model: type %q is not supported; supported are BPE, WordPiece, Unigram", head.Type)
}

// vocabulary is a map of tokens to ids that come from the file.
type vocabulary map[string]int

func (v vocabulary) id(token string) (int, bool) {
	id, ok := v[token]
	return id, ok
}

func (v vocabulary) tokens() map[string]int { return v }

// unknown looks up the unknown token, which a file may leave out.
func (v vocabulary) unknown(token *string) (int, error) {
	if token == nil {
		return -1, nil
	}
	id, ok := v[*token]
	if !ok {
		return -1, fmt.Errorf("model.unk_token: %q is not in the vocabulary", *token)
	}
	return id, nil
}

// byteTokens are the ids of <0x00>..<0xFF>, -1 where the vocabulary lacks one.
func byteTokens(id func(string) (int, bool)) (out [256]int) {
	for b := range out {
		found, ok := id(fmt.Sprintf("<0x%02X>", b))
		if !ok {
			found = -1
		}
		out[b] = found
	}
	return out
}

// workspace is what one encoding needs besides its result. The cache saves
// merging the common words of a language again.
type workspace struct {
	cache map[string]span32 // words to their place in ids
	ids   []int32
	bpe   bpeSpace
	best  []bestNode
	bytes []byte
	outer []span // of the text
	inner []span // of a part of it, normalised
}

type span32 struct{ at, n int32 }

const (
	maxCache     = 1 << 16 // words
	maxCacheWord = 64      // bytes
)

// cached appends the ids of a word that the workspace has met.
func (w *workspace) cached(ids []int, word string) ([]int, bool) {
	s, ok := w.cache[word]
	if !ok {
		return ids, false
	}
	for _, id := range w.ids[s.at : s.at+s.n] {
		ids = append(ids, int(id))
	}
	return ids, true
}

// keep remembers the ids of a word.
func (w *workspace) keep(word string, ids []int) {
	if len(word) > maxCacheWord {
		return
	}
	if w.cache == nil || len(w.cache) >= maxCache {
		w.cache, w.ids = map[string]span32{}, w.ids[:0]
	}
	at := len(w.ids)
	for _, id := range ids {
		w.ids = append(w.ids, int32(id))
	}
	w.cache[string([]byte(word))] = span32{int32(at), int32(len(ids))}
}

// workspaces lends workspaces; at most one for each thread is kept.
type workspaces struct {
	mu   sync.Mutex
	free []*workspace
}

func (p *workspaces) take() *workspace {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.free) - 1; n >= 0 {
		w := p.free[n]
		p.free = p.free[:n]
		return w
	}
	return &workspace{}
}

// give takes a workspace back, without what a long text left in it.
func (p *workspaces) give(w *workspace) {
	const most = 1 << 16
	if cap(w.best) > most || cap(w.bpe.symbols) > most || cap(w.outer)+cap(w.inner) > most || cap(w.bytes) > most {
		*w = workspace{cache: w.cache, ids: w.ids}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.free) < runtime.GOMAXPROCS(0) {
		p.free = append(p.free, w)
	}
}
