package tokenizer

import (
	"container/heap"
	"encoding/json"
	"fmt"
	"iter"
	"sort"
	"strings"
)

// TrainOptions decide a new tokenizer. The zero value of a field takes the
// default named.
type TrainOptions struct {
	VocabSize     int      // ids in all: special tokens, 256 bytes, merges
	Special       []string // special tokens, ids from 0 on in this order
	BOS, EOS, PAD string   // roles; each, if not "", must stand in Special
	AddBOS        bool     // Encode with addSpecial puts BOS in front
	MinCount      int      // pairs rarer than this are not merged; default 2
	ContextLength int      // model_max_length of tokenizer_config.json; default 1024
}

// Train makes a byte-level BPE tokenizer (Sennrich et al. 2016, section 3.2,
// on the bytes of Radford et al. 2019): words cut by GPT-2's pattern with every
// digit a word of its own, so that numbers are read digit by digit. The most
// frequent pair is merged first, ties go to the pair that comes first in byte
// order, and so equal corpora give equal files. Training stops early where no
// pair is frequent enough; VocabSize then is the size reached.
func Train(corpus iter.Seq[string], o TrainOptions) (*Tokenizer, error) {
	if o.MinCount <= 0 {
		o.MinCount = 2
	}
	if o.ContextLength <= 0 {
		o.ContextLength = 1024
	}
	if least := len(o.Special) + 256; o.VocabSize < least {
		return nil, fmt.Errorf("vocab_size: %d is too small; %d special tokens and 256 bytes need %d", o.VocabSize, len(o.Special), least)
	}
	if o.AddBOS && o.BOS == "" {
		return nil, fmt.Errorf("add_bos: needs a bos_token")
	}
	ids := map[string]int{}
	for i, s := range o.Special {
		if _, dup := ids[s]; dup || s == "" {
			return nil, fmt.Errorf("special tokens: %q is empty or stands twice", s)
		}
		ids[s] = i
	}
	for _, role := range [][2]string{{"bos_token", o.BOS}, {"eos_token", o.EOS}, {"pad_token", o.PAD}} {
		if _, ok := ids[role[1]]; role[1] != "" && !ok {
			return nil, fmt.Errorf("%s: %q is not among the special tokens", role[0], role[1])
		}
	}
	tr := newTrainer(countWords(corpus, o.Special), o)
	tr.run()
	files, err := tr.files(ids)
	if err != nil {
		return nil, err
	}
	return build(files, "")
}

// countWords cuts the corpus as the trained tokenizer will and counts words,
// spelled in the byte alphabet.
func countWords(corpus iter.Seq[string], special []string) map[string]int {
	tokens := make([]addedToken, len(special))
	for i, text := range special {
		tokens[i] = addedToken{ID: i, Content: text}
	}
	cut := newMatcher(special, tokens)
	digits := cutter(eachOf(numeric), isolated, false)
	counts := map[string]int{}
	for text := range corpus {
		text = strings.ToValidUTF8(text, "\ufffd")
		for _, part := range cut.split(nil, text) {
			if part.id >= 0 {
				continue
			}
			digits(text[part.from:part.to], true, func(s string, _ bool) {
				splitGPT2(s, func(w string) { counts[w]++ })
			})
		}
	}
	out := make(map[string]int, len(counts))
	for w, n := range counts {
		out[bytesToAlphabet(w)] += n
	}
	return out
}

// trainer holds the words as lists of token ids and, for every pair, its count
// and the words it may stand in.
type trainer struct {
	o      TrainOptions
	tokens []string // by id
	words  [][]int
	counts []int // of each word
	pairs  map[[2]int]*pairInfo
	queue  pairQueue
	merges [][2]string
}

type pairInfo struct {
	count int
	words map[int]bool
}

func newTrainer(words map[string]int, o TrainOptions) *trainer {
	tr := &trainer{o: o, tokens: append([]string(nil), o.Special...), pairs: map[[2]int]*pairInfo{}}
	var alphabet []string
	for _, r := range byteToRune {
		alphabet = append(alphabet, string(r))
	}
	sort.Strings(alphabet)
	byToken := map[string]int{}
	for _, s := range alphabet {
		byToken[s] = len(tr.tokens)
		tr.tokens = append(tr.tokens, s)
	}
	list := make([]string, 0, len(words))
	for w := range words {
		list = append(list, w)
	}
	sort.Strings(list)
	for i, w := range list {
		var ids []int
		for _, r := range w {
			ids = append(ids, byToken[string(r)])
		}
		tr.words, tr.counts = append(tr.words, ids), append(tr.counts, words[w])
		for j := 1; j < len(ids); j++ {
			tr.change([2]int{ids[j-1], ids[j]}, i, words[w])
		}
	}
	for p := range tr.pairs {
		tr.queue = append(tr.queue, tr.entry(p))
	}
	heap.Init(&tr.queue)
	return tr
}

// change adds n to the count of pair p, which stands in word w.
func (tr *trainer) change(p [2]int, w, n int) {
	info := tr.pairs[p]
	if info == nil {
		info = &pairInfo{words: map[int]bool{}}
		tr.pairs[p] = info
	}
	info.count += n
	if n > 0 {
		info.words[w] = true
	}
}

func (tr *trainer) entry(p [2]int) pairEntry {
	return pairEntry{pair: p, count: tr.pairs[p].count, left: tr.tokens[p[0]], right: tr.tokens[p[1]]}
}

func (tr *trainer) run() {
	known := map[string]bool{}
	for _, s := range tr.tokens {
		known[s] = true
	}
	for len(tr.tokens) < tr.o.VocabSize && tr.queue.Len() > 0 {
		e := heap.Pop(&tr.queue).(pairEntry)
		info := tr.pairs[e.pair]
		if info == nil || info.count < tr.o.MinCount {
			continue
		}
		if info.count != e.count {
			heap.Push(&tr.queue, tr.entry(e.pair)) // the count fell since it was queued
			continue
		}
		merged := e.left + e.right
		if known[merged] { // two ways to one token: the first stays
			delete(tr.pairs, e.pair)
			continue
		}
		known[merged] = true
		tr.tokens = append(tr.tokens, merged)
		tr.merges = append(tr.merges, [2]string{e.left, e.right})
		tr.apply(e.pair, len(tr.tokens)-1, info)
	}
}

// apply merges the pair in every word that holds it and queues the new pairs.
func (tr *trainer) apply(p [2]int, id int, info *pairInfo) {
	delete(tr.pairs, p)
	list := make([]int, 0, len(info.words))
	for w := range info.words {
		list = append(list, w)
	}
	sort.Ints(list)
	touched := map[[2]int]bool{}
	for _, w := range list {
		ids, n := tr.words[w], tr.counts[w]
		var out []int
		for j := 0; j < len(ids); j++ {
			if j+1 < len(ids) && ids[j] == p[0] && ids[j+1] == p[1] {
				out = append(out, id)
				j++
			} else {
				out = append(out, ids[j])
			}
		}
		if len(out) == len(ids) {
			continue
		}
		for j := 1; j < len(ids); j++ {
			if q := [2]int{ids[j-1], ids[j]}; q != p {
				tr.change(q, w, -n)
			}
		}
		for j := 1; j < len(out); j++ {
			q := [2]int{out[j-1], out[j]}
			tr.change(q, w, n)
			touched[q] = true
		}
		tr.words[w] = out
	}
	for q := range touched { // the queue's order does not depend on that of insertion
		if q[0] == id || q[1] == id {
			heap.Push(&tr.queue, tr.entry(q))
		}
	}
}

type pairEntry struct {
	pair        [2]int
	count       int
	left, right string
}

// pairQueue orders by count, then by the tokens' text: a strict order.
type pairQueue []pairEntry

func (q pairQueue) Len() int { return len(q) }
func (q pairQueue) Less(i, j int) bool {
	a, b := q[i], q[j]
	if a.count != b.count {
		return a.count > b.count
	}
	if a.left != b.left {
		return a.left < b.left
	}
	return a.right < b.right
}
func (q pairQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *pairQueue) Push(v any)   { *q = append(*q, v.(pairEntry)) }
func (q *pairQueue) Pop() any {
	old := *q
	v := old[len(old)-1]
	*q = old[:len(old)-1]
	return v
}

// files writes tokenizer.json and tokenizer_config.json.
func (tr *trainer) files(special map[string]int) (files, error) {
	type obj = map[string]any
	added := []any{}
	for i, s := range tr.o.Special {
		added = append(added, obj{"id": i, "content": s, "single_word": false, "lstrip": false,
			"rstrip": false, "normalized": false, "special": true})
	}
	vocab := make(map[string]int, len(tr.tokens))
	for i, s := range tr.tokens {
		vocab[s] = i
	}
	merges := tr.merges
	if merges == nil {
		merges = [][2]string{}
	}
	var post any = obj{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}
	if tr.o.AddBOS {
		bos := obj{"SpecialToken": obj{"id": tr.o.BOS, "type_id": 0}}
		seq := func(id string, typ int) obj { return obj{"Sequence": obj{"id": id, "type_id": typ}} }
		post = obj{"type": "TemplateProcessing", "single": []any{bos, seq("A", 0)},
			"pair":           []any{bos, seq("A", 0), seq("B", 1)},
			"special_tokens": obj{tr.o.BOS: obj{"id": tr.o.BOS, "ids": []int{special[tr.o.BOS]}, "tokens": []string{tr.o.BOS}}}}
	}
	level := obj{"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true}
	out := files{}
	var err error
	out[File], err = json.MarshalIndent(obj{
		"version": "1.0", "truncation": nil, "padding": nil, "added_tokens": added, "normalizer": nil,
		"pre_tokenizer":  obj{"type": "Sequence", "pretokenizers": []any{obj{"type": "Digits", "individual_digits": true}, level}},
		"post_processor": post, "decoder": level,
		"model": obj{"type": "BPE", "dropout": nil, "unk_token": nil, "continuing_subword_prefix": nil,
			"end_of_word_suffix": nil, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
			"vocab": vocab, "merges": merges},
	}, "", " ")
	if err != nil {
		return nil, err
	}
	config := obj{"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": tr.o.ContextLength,
		"clean_up_tokenization_spaces": false}
	for name, s := range map[string]string{"bos_token": tr.o.BOS, "eos_token": tr.o.EOS, "pad_token": tr.o.PAD} {
		if s != "" {
			config[name] = s
		}
	}
	out[ConfigFile], err = json.MarshalIndent(config, "", " ")
	return out, err
}
