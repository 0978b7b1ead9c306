package jinja

import (
	"crypto/sha256"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// Dict is Python's dict: keys in the order of their first insertion, 1, 1.0
// and True one key. The zero value is empty.
type Dict struct {
	keys, values []any
	index        map[string]int // from hash
}

// Len is the number of keys.
func (d *Dict) Len() int { return len(d.keys) }

// Get looks up a key of text.
func (d *Dict) Get(key string) (any, bool) {
	i, ok := d.index["s"+key]
	if !ok {
		return nil, false
	}
	return d.values[i], true
}

// Set puts a value under a key of text.
func (d *Dict) Set(key string, value any) { d.put("s"+key, key, value) }

// All yields keys and values in order.
func (d *Dict) All(yield func(key, value any) bool) {
	for i, k := range d.keys {
		if !yield(k, d.values[i]) {
			return
		}
	}
}

func (d *Dict) put(hash string, key, value any) {
	if i, ok := d.index[hash]; ok {
		d.values[i] = value
		return
	}
	if d.index == nil {
		d.index = map[string]int{}
	}
	d.index[hash] = len(d.keys)
	d.keys, d.values = append(d.keys, key), append(d.values, value)
}

func (d *Dict) get(key any) (any, bool, error) {
	h, err := hash(key, 0)
	if err != nil {
		return nil, false, err
	}
	i, ok := d.index[h]
	if !ok {
		return nil, false, nil
	}
	return d.values[i], true, nil
}

func (d *Dict) set(key, value any) error {
	h, err := hash(key, 0)
	if err == nil {
		d.put(h, key, value)
	}
	return err
}

// hash gives equal strings for values that are equal as keys.
func hash(v any, depth int) (string, error) {
	if depth > deepest {
		return "", errTooDeep()
	}
	switch v := v.(type) {
	case nil:
		return "n", nil
	case string:
		return textKey(v), nil
	case markup:
		return textKey(string(v)), nil
	case bool:
		if v {
			return "i1", nil
		}
		return "i0", nil
	case int64:
		return "i" + strconv.FormatInt(v, 10), nil
	case *big.Int:
		return "i" + v.String(), nil
	case float64:
		if v == math.Trunc(v) && !math.IsInf(v, 0) {
			i, _ := big.NewFloat(v).Int(nil)
			return "i" + i.String(), nil
		}
		return "f" + strconv.FormatFloat(v, 'g', -1, 64), nil
	case *tuple:
		var b strings.Builder
		b.WriteByte('t')
		for _, item := range v.items {
			h, err := hash(item, depth+1)
			if err != nil {
				return "", err
			}
			if fmt.Fprintf(&b, "%d:%s", len(h), h); b.Len() > mostPrinted {
				return "", errorf(Limit, "a key of more than %d bytes", mostPrinted)
			}
		}
		return b.String(), nil
	case *undefined:
		return "u", nil
	case *rangeValue:
		return fmt.Sprintf("r%d:%d:%d", v.start, v.step, v.n), nil
	case *List, *Dict, *view:
		return "", errorf(TypeError, "unhashable type: '%s'", typeName(v))
	}
	return fmt.Sprintf("p%p", v), nil
}

// deepest is how deep values may lie in each other.
const deepest = 500

func errTooDeep() error {
	return errorf(Limit, "a value with more than %d levels", deepest)
}

// textKey is a text itself or, of a long one, its digest: a key takes no memory
// that the text's length decides.
func textKey(s string) string {
	if len(s) <= 64 {
		return "s" + s
	}
	digest := sha256.New()
	for block := make([]byte, 4096); s != ""; {
		n := copy(block, s)
		digest.Write(block[:n])
		s = s[n:]
	}
	return "h" + string(digest.Sum(nil))
}
