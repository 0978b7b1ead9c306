package checkpoint

import (
	"errors"
	"fmt"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"sort"
)

// Names of the files of a model folder.
const (
	ConfigFile  = "config.json"
	WeightsFile = "model.safetensors"
	IndexFile   = "model.safetensors.index.json"
)

// Reader gives the tensors of one safetensors file or of the shards of one
// model. Its files stay open until Close, or until neither it nor anything that
// Filler gave is in use any more. To replace or remove them meanwhile is no harm;
// one that was written to is an error of the next read.
type Reader struct {
	where   string // for messages: the file or folder
	tensors map[string]stored
	names   []string
	meta    map[string]string
	files   []*source
}

type stored struct {
	Info
	file *source
}

// Open opens one safetensors file and checks its header.
func Open(path string) (*Reader, error) {
	r := &Reader{where: path, tensors: map[string]stored{}}
	if err := r.add(path, nil); err != nil {
		r.Close()
		return nil, err
	}
	sort.Strings(r.names)
	return r, nil
}

// OpenDir opens the weights of a model folder: model.safetensors, or the
// shards that model.safetensors.index.json names.
func OpenDir(dir string) (*Reader, error) {
	single := filepath.Join(dir, WeightsFile)
	if _, err := os.Stat(single); err == nil {
		return Open(single)
	} else if !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	index := filepath.Join(dir, IndexFile)
	raw, err := os.ReadFile(index)
	if errors.Is(err, os.ErrNotExist) {
		if name := pickled(dir); name != "" {
			return nil, fmt.Errorf("%s: %s is a PyTorch pickle, which may run any code when it is read, and is refused; convert it where you trust it: "+
				"python -c \"import transformers as t; t.%s.from_pretrained('%s').save_pretrained('%s')\"", dir, name, class(dir), dir, dir)
		}
		return nil, fmt.Errorf("%s: has neither %s nor %s; give a Hugging Face model folder with safetensors weights", dir, WeightsFile, IndexFile)
	} else if err != nil {
		return nil, err
	}
	var ix struct {
		WeightMap map[string]string `json:"weight_map"`
	}
	if err := ParseJSON(raw, &ix); err != nil {
		return nil, fmt.Errorf("%s: %w", index, err)
	}
	if len(ix.WeightMap) == 0 {
		return nil, fmt.Errorf("%s: weight_map is missing or empty", index)
	}
	shards := map[string][]string{}
	for name, file := range ix.WeightMap {
		if file != filepath.Base(file) || file == "" || file == "." || file == ".." {
			return nil, fmt.Errorf("%s: weight_map[%q] is %q; a shard is a file name in the same folder", index, name, file)
		}
		shards[file] = append(shards[file], name)
	}
	r := &Reader{where: dir, tensors: map[string]stored{}}
	for _, file := range sortedKeys(shards) {
		sort.Strings(shards[file])
		err := r.add(filepath.Join(dir, file), shards[file])
		if errors.Is(err, os.ErrNotExist) {
			err = fmt.Errorf("%s: the shard %s, which has %d of the tensors, is missing; download or copy it too: %w", index, file, len(shards[file]), err)
		}
		if err != nil {
			r.Close()
			return nil, err
		}
	}
	sort.Strings(r.names)
	return r, nil
}

// pickled names a file of PyTorch weights in a folder.
func pickled(dir string) string {
	for _, pattern := range []string{"*.bin", "*.pt", "*.pth", "*.ckpt"} {
		if found, _ := filepath.Glob(filepath.Join(dir, pattern)); len(found) > 0 {
			return filepath.Base(found[0])
		}
	}
	return ""
}

// class is what transformers loads a folder's weights whole with: what its
// config.json says that they are of. It goes into a command, so that only a plain
// name is taken from there.
func class(dir string) string {
	if f, err := ReadFields(filepath.Join(dir, ConfigFile)); err == nil {
		names := DecodeField[[]string](f, "architectures", nil)
		if len(names) == 1 && token.IsIdentifier(names[0]) {
			return names[0]
		}
		if _, decoder := families[f.Str("model_type", "")]; decoder {
			return "AutoModelForCausalLM"
		}
	}
	return "AutoModel"
}

// add opens a file; with want given, its tensors must be exactly those.
func (r *Reader) add(path string, want []string) error {
	f, err := openSource(path)
	if err != nil {
		return err
	}
	r.files = append(r.files, f)
	tensors, meta, err := f.header()
	if err != nil {
		return err
	}
	have := make([]string, 0, len(tensors))
	for _, t := range tensors {
		if other, dup := r.tensors[t.Name]; dup {
			return fmt.Errorf("%s: tensor %q is also in %s", path, t.Name, other.file.path)
		}
		r.tensors[t.Name] = stored{Info: t, file: f}
		have = append(have, t.Name)
	}
	if want != nil {
		sort.Strings(have)
		for _, n := range want {
			if _, ok := slices.BinarySearch(have, n); !ok {
				return fmt.Errorf("%s: tensor %q is missing, though the index places it there", path, n)
			}
		}
		for _, n := range have {
			if _, ok := slices.BinarySearch(want, n); !ok {
				return fmt.Errorf("%s: tensor %q is not in the index", path, n)
			}
		}
	}
	r.names = append(r.names, have...)
	r.meta = meta
	return nil
}

// Close closes the files; nothing can be read from then on.
func (r *Reader) Close() error {
	var errs []error
	for _, f := range r.files {
		errs = append(errs, f.Close())
	}
	r.files, r.tensors = nil, nil
	return errors.Join(errs...)
}

// Where is the file or folder, for messages.
func (r *Reader) Where() string { return r.where }

// Names lists the tensors, sorted.
func (r *Reader) Names() []string { return slices.Clone(r.names) }

// Metadata is the file's free-form string map (of the last shard, if sharded).
func (r *Reader) Metadata() map[string]string { return r.meta }

// Info describes the named tensor.
func (r *Reader) Info(name string) (Info, bool) {
	t, ok := r.tensors[name]
	return t.Info, ok
}

// Float32 reads the named F32, F16 or BF16 tensor as row-major float32. With a
// shape given, the stored one must equal it.
func (r *Reader) Float32(name string, shape ...int) ([]float32, error) {
	fill, err := r.Filler(name, shape...)
	if err != nil {
		return nil, err
	}
	info, _ := r.Info(name)
	out := make([]float32, info.Elements())
	return out, fill(out)
}

// Filler is Float32 put off: it checks the tensor, and what it returns writes
// the values to dst, of their number, for as long as the Reader is not closed.
func (r *Reader) Filler(name string, shape ...int) (fill func(dst []float32) error, err error) {
	t, err := r.get(name, shape)
	if err != nil {
		return nil, err
	}
	switch t.DType {
	case "F32", "F16", "BF16":
	default:
		return nil, fmt.Errorf("%s: tensor %q: dtype %s cannot be read as float32; supported are F32, F16 and BF16", t.file.path, name, t.DType)
	}
	return func(dst []float32) error { return t.file.floats(dst, t.begin, t.DType) }, nil
}

// Bytes reads the named tensor's bytes as stored (little endian).
func (r *Reader) Bytes(name string, shape ...int) ([]byte, error) {
	t, err := r.get(name, shape)
	if err != nil {
		return nil, err
	}
	out := make([]byte, t.end-t.begin)
	return out, t.file.read(out, t.begin)
}

// Equal says whether two tensors that Float32 would read hold the same values. It
// keeps neither in memory.
func (r *Reader) Equal(a, b string) (bool, error) {
	for _, name := range []string{a, b} {
		if _, err := r.Filler(name); err != nil {
			return false, err
		}
	}
	x, y := r.tensors[a], r.tensors[b]
	n := x.Elements()
	if n != y.Elements() {
		return false, nil
	}
	const atOnce = 1 << 14
	u, v := make([]float32, min(n, atOnce)), make([]float32, min(n, atOnce))
	for at := int64(0); at < n; at += atOnce {
		k := min(n-at, atOnce)
		err := x.file.floats(u[:k], x.begin+at*dtypeSize[x.DType], x.DType)
		if err == nil {
			err = y.file.floats(v[:k], y.begin+at*dtypeSize[y.DType], y.DType)
		}
		if err != nil || !slices.Equal(u[:k], v[:k]) {
			return false, err
		}
	}
	return true, nil
}

// Check says whether a tensor is there in this shape, without reading it.
func (r *Reader) Check(name string, shape ...int) error {
	_, err := r.get(name, shape)
	return err
}

func (r *Reader) get(name string, shape []int) (stored, error) {
	t, ok := r.tensors[name]
	if !ok {
		return t, fmt.Errorf("%s: tensor %q is missing", r.where, name)
	}
	if len(shape) > 0 && !slices.Equal(shape, t.Shape) {
		return t, fmt.Errorf("%s: tensor %q has shape %v, expected %v: the weights and the configuration do not belong together", t.file.path, name, t.Shape, shape)
	}
	return t, nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// ReadTensor reads one tensor of a single file as float32. With a shape given
// (not nil), the stored one must equal it.
func ReadTensor(path, name string, shape []int) (Tensor, error) {
	r, err := Open(path)
	if err != nil {
		return Tensor{}, err
	}
	defer r.Close()
	data, err := r.Float32(name, shape...)
	if err != nil {
		return Tensor{}, err
	}
	info, _ := r.Info(name)
	return Tensor{Name: name, DType: "F32", Shape: info.Shape, Data: data}, nil
}

// ReadSafetensors reads every tensor of a file as float32, in name order.
func ReadSafetensors(path string) ([]Tensor, error) {
	r, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var out []Tensor
	for _, name := range r.names {
		data, err := r.Float32(name)
		if err != nil {
			return nil, err
		}
		out = append(out, Tensor{Name: name, DType: "F32", Shape: r.tensors[name].Shape, Data: data})
	}
	return out, nil
}
