package embed

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/tunelab/tunelab/framework/compute"
)

// Options of Embed.
type Options struct {
	Engine  string // default "cpu"; the program must import its package
	Threads int    // 0: all cores
	// Pooling is one of Poolings, and then nothing else is done with a text; ""
	// is the recipe of a sentence-transformers folder.
	Pooling string
	// Prompt names one of the recipe's prompts, which is put before every text but
	// before no ids; "" is its default prompt, if it has one.
	Prompt string
}

// Embedding is what one input of n tokens becomes: with the pooling None the
// final hidden state of each token, else one vector.
type Embedding struct {
	Hidden [][]float32 `json:"hidden,omitempty"`    // [n][C]
	Vector []float32   `json:"embedding,omitempty"` // [C], or as the recipe's last module has it
}

// Embed loads the model of the folder dir, an encoder or a decoder, and embeds
// inputs. One gives the same bits whatever else is asked with it. An input that
// gives no token, more than the model's context holds (a recipe cuts texts) or an
// id outside the vocabulary is an error with its number, from 1.
func Embed(ctx context.Context, dir string, in []Input, o Options) ([]Embedding, error) {
	r, err := recipeOf(dir, o)
	if err != nil {
		return nil, err
	}
	prompt := o.Prompt
	if prompt == "" {
		prompt = r.prompt
	}
	t := texts{recipe: r}
	if t.prompt, err = r.promptOf(prompt); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	if o.Engine == "" {
		o.Engine = "cpu"
	}
	e, err := compute.Open(o.Engine, o.Threads)
	if err != nil {
		return nil, err
	}
	defer compute.Close(e)
	net, err := open(r.dir, e)
	if err != nil {
		return nil, err
	}
	defer net.free()
	if o.Pooling == "" {
		t.limit = r.limit(net.length)
	}
	seqs := make([]sequence, len(in))
	for i := range in {
		if seqs[i], err = t.sequence(in[i]); err == nil {
			err = net.check(seqs[i].ids)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", in[i].at(i), err)
		}
	}
	var out []Embedding
	for len(out) < len(seqs) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		batch := nextBatch(seqs[len(out):])
		rows, err := net.states(e, batch)
		if err != nil {
			return nil, fmt.Errorf("from %s on: %w", in[len(out)].at(len(out)), err)
		}
		for _, s := range batch {
			n := len(s.ids) * net.width
			one, err := r.embedding(rows[:n:n], net.width, s.skip)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", in[len(out)].at(len(out)), err)
			}
			out, rows = append(out, one), rows[n:]
		}
	}
	return out, nil
}

// recipeOf is the folder's recipe, or one that is the pooling asked for.
func recipeOf(dir string, o Options) (recipe, error) {
	if o.Pooling != "" && !slices.Contains(Poolings, o.Pooling) {
		return recipe{}, fmt.Errorf("pooling %q is none of %s", o.Pooling, strings.Join(Poolings, ", "))
	}
	modules, err := readModules(dir)
	switch {
	case err != nil:
		return recipe{}, err
	case o.Pooling == "" && modules == nil:
		return recipe{}, fmt.Errorf("%s: has no %s that says how to pool; give the pooling: %s", dir, modulesFile, strings.Join(Poolings, ", "))
	case o.Pooling == "":
		return readRecipe(dir, modules)
	case o.Prompt != "":
		return recipe{}, fmt.Errorf("prompt %q is of the folder's own recipe; give no pooling with it", o.Prompt)
	case modules != nil:
		dir = modules[0].dir
	}
	return recipe{dir: dir, pooling: []string{o.Pooling}}, nil
}

// nextBatch takes as many sequences as go into one forward pass, one at least.
func nextBatch(seqs []sequence) []sequence {
	const most = 4096 // tokens
	n, tokens := 1, len(seqs[0].ids)
	for n < len(seqs) && tokens+len(seqs[n].ids) <= most {
		tokens += len(seqs[n].ids)
		n++
	}
	return seqs[:n]
}

// embedding pools hidden states [n][c] and sends the vector through the modules
// after that.
func (r *recipe) embedding(rows []float32, c, skip int) (Embedding, error) {
	if r.pooling[0] == None {
		var e Embedding
		for lo := 0; lo < len(rows); lo += c {
			e.Hidden = append(e.Hidden, rows[lo:lo+c:lo+c])
		}
		return e, nil
	}
	var v []float32
	for _, mode := range r.pooling {
		v = append(v, pool(mode, rows, c, skip)...)
	}
	for _, s := range r.stages {
		var err error
		if v, err = s(v); err != nil {
			return Embedding{}, err
		}
	}
	return Embedding{Vector: v}, nil
}
