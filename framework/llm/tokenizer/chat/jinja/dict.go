package jinja

import (
	"crypto/sha256"
	"fmt"
	"math"
	"math/big"
	"strconv"
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
	i, ok := d.index[textKey(key)]
	if !ok {
		return nil, false
	}
	return d.values[i], true
}

// Set puts a value under a key of text.
func (d *Dict) Set(key string, value any) { d.put(textKey(key), key, value) }

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

// lookup is Python's d[key].
func (r *run) lookup(d *Dict, key any) (any, bool, error) {
	h, err := r.hash(key, 0)
	if err != nil {
		return nil, false, err
	}
	i, ok := d.index[h]
	if !ok {
		return nil, false, nil
	}
	return d.values[i], true, nil
}

// put is Python's d[key] = value.
func (r *run) put(d *Dict, key, value any) error {
	h, err := r.hash(key, 0)
	if err != nil {
		return err
	}
	if err := r.grow(4 * itemBytes); err != nil {
		return err
	}
	d.put(h, key, value)
	return nil
}

// hash gives equal strings for values that are equal as keys.
func (r *run) hash(v any, depth int) (string, error) {
	if depth > deepest {
		return "", errTooDeep()
	}
	if err := r.readValues(v); err != nil {
		return "", err
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
		digest := sha256.New()
		for _, item := range v.items {
			if err := r.step(); err != nil {
				return "", err
			}
			h, err := r.hash(item, depth+1)
			if err != nil {
				return "", err
			}
			fmt.Fprintf(digest, "%d:%s", len(h), h)
		}
		return "t" + string(digest.Sum(nil)), nil
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
