package jinja

import (
	"strings"
	"unicode/utf8"
)

// head is how much of a text is searched for with package strings, whose time
// for long ones a hostile text can make quadratic.
const head = 32

// index is strings.Index, counted.
func (r *run) index(s, sub string) (int, error) {
	first := sub[:min(len(sub), head)]
	for from := 0; ; {
		i := strings.Index(s[from:], first)
		if i < 0 {
			return -1, r.read(len(s) - from)
		}
		if err := r.read(i + len(sub)); err != nil {
			return -1, err
		}
		from += i
		if strings.HasPrefix(s[from:], sub) {
			return from, nil
		}
		from++
	}
}

// lastIndex is strings.LastIndex, counted.
func (r *run) lastIndex(s, sub string) (int, error) {
	last := sub[max(0, len(sub)-head):]
	for end := len(s); ; {
		i := strings.LastIndex(s[:end], last)
		if i < 0 {
			return -1, r.read(end)
		}
		if err := r.read(end - i + len(sub)); err != nil {
			return -1, err
		}
		end = i + len(last)
		if strings.HasSuffix(s[:end], sub) {
			return end - len(sub), nil
		}
		end--
	}
}

// count is str.count.
func (r *run) count(s, sub string) (int, error) {
	if sub == "" {
		return runeCount(s) + 1, r.read(len(s))
	}
	for n := 0; ; n++ {
		i, err := r.index(s, sub)
		if err != nil || i < 0 {
			return n, err
		}
		s = s[i+len(sub):]
	}
}

// replace is str.replace; most < 0 replaces all.
func (r *run) replace(s, old, with string, most int) (string, error) {
	n, err := r.count(s, old)
	if err != nil {
		return "", err
	}
	if most >= 0 {
		n = min(n, most)
	}
	if err := r.grow(len(s) + n*max(0, len(with)-len(old))); err != nil {
		return "", err
	}
	if old == "" {
		return strings.Replace(s, old, with, n), nil
	}
	var b strings.Builder
	for range n {
		i, err := r.index(s, old)
		if err != nil {
			return "", err
		}
		b.WriteString(s[:i])
		b.WriteString(with)
		s = s[i+len(old):]
	}
	b.WriteString(s)
	return b.String(), nil
}

// offset is where the character n of s begins, from 0; the end of s where it
// has not so many.
func offset(s string, n int) int {
	at := 0
	for ; n > 0 && at < len(s); n-- {
		at += runeLen(s[at:])
	}
	return at
}

// characters are those of s from number from up to, not including, to.
func characters(s string, from, to int) string {
	if to <= from {
		return ""
	}
	s = s[offset(s, from):]
	return s[:offset(s, to-from)]
}

// stepped are count characters of s: number start and every step-th after it,
// before it for a step below 0.
func stepped(s string, start, step, count int) string {
	var b strings.Builder
	at := offset(s, start)
	for ; count > 0; count-- {
		n := runeLen(s[at:])
		b.WriteString(s[at : at+n])
		if step > 0 {
			at += offset(s[at:], step)
			continue
		}
		for back := 0; back > step && at > 0; back-- {
			_, n := utf8.DecodeLastRuneInString(s[:at])
			at -= n
		}
	}
	return b.String()
}
