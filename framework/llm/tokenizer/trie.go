package tokenizer

import (
	"cmp"
	"slices"
)

// trie finds which of a set of strings begin at a place of a text. The children
// of a node lie together, in the order of their labels.
type trie struct {
	nodes []trieNode // the root first
	root  [256]int32 // the root's children by label, 0: none
}

type trieNode struct {
	value int32 // of the string that ends here, -1: none
	kids  int32 // first child
	n     int16 // children
	label byte
}

type entry struct {
	text  string
	value int32
}

// newTrie sorts entries. Of equal strings the last given counts; empty ones are
// left out.
func newTrie(entries []entry) *trie {
	slices.SortStableFunc(entries, func(a, b entry) int { return cmp.Compare(a.text, b.text) })
	t := &trie{nodes: []trieNode{{value: -1}}}
	type part struct{ from, to, depth, node int }
	for queue := []part{{0, len(entries), 0, 0}}; len(queue) > 0; queue = queue[1:] {
		p := queue[0]
		from := p.from
		for from < p.to && len(entries[from].text) == p.depth {
			if p.depth > 0 {
				t.nodes[p.node].value = entries[from].value
			}
			from++
		}
		t.nodes[p.node].kids = int32(len(t.nodes))
		for from < p.to {
			label, to := entries[from].text[p.depth], from+1
			for to < p.to && entries[to].text[p.depth] == label {
				to++
			}
			t.nodes[p.node].n++
			if p.node == 0 {
				t.root[label] = int32(len(t.nodes))
			}
			queue = append(queue, part{from, to, p.depth + 1, len(t.nodes)})
			t.nodes = append(t.nodes, trieNode{value: -1, label: label})
			from = to
		}
	}
	return t
}

// next is the child of node (0: the root) with the label, 0 if there is none.
func (t *trie) next(node int32, label byte) int32 {
	if node == 0 {
		return t.root[label]
	}
	n := &t.nodes[node]
	kids := t.nodes[n.kids : n.kids+int32(n.n)]
	low, high := 0, len(kids)
	for low < high {
		if mid := (low + high) / 2; kids[mid].label < label {
			low = mid + 1
		} else {
			high = mid
		}
	}
	if low < len(kids) && kids[low].label == label {
		return n.kids + int32(low)
	}
	return 0
}

// longest is the longest string that s begins with and its value; n is 0 if
// there is none.
func (t *trie) longest(s string) (n int, value int32) {
	node := int32(0)
	for i := range len(s) {
		if node = t.next(node, s[i]); node == 0 {
			break
		}
		if v := t.nodes[node].value; v >= 0 {
			n, value = i+1, v
		}
	}
	return n, value
}
