package checkpoint

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// bounded runs f and fails if it allocated more than a file of that many bytes
// warrants. JSON takes some 100 bytes of memory for a byte of text at worst.
func bounded(t *testing.T, bytes int, f func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	if got, allowed := after.TotalAlloc-before.TotalAlloc, uint64(1<<20+400*bytes); got > allowed {
		t.Errorf("%d bytes made the reader allocate %d, allowed %d", bytes, got, allowed)
	}
}

func safetensors(header string, data int) []byte {
	var b bytes.Buffer
	binary.Write(&b, binary.LittleEndian, uint64(len(header)))
	b.WriteString(header)
	b.Write(make([]byte, data))
	return b.Bytes()
}

// FuzzSafetensors: whatever a file holds, it opens or is refused by its path,
// and what opens can be read whole.
func FuzzSafetensors(f *testing.F) {
	f.Add(safetensors(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, 8))
	f.Add(safetensors(`{"__metadata__":{"format":"pt"},"a":{"dtype":"F16","shape":[2,1],"data_offsets":[0,4]},"b":{"dtype":"BF16","shape":[],"data_offsets":[4,6]}}`, 6))
	f.Add(safetensors(`{"a":{"dtype":"F32","shape":[0,2147483647],"data_offsets":[0,0]}}`, 0))
	f.Add(safetensors(`{"a":{"dtype":"F32","shape":[2147483647,2147483647,4],"data_offsets":[0,8]}}`, 8))
	f.Add(safetensors(`{"a":{"dtype":"U8","shape":[9223372036854775807],"data_offsets":[0,8]}}`, 8))
	f.Add(safetensors(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}`, 8))
	f.Add(safetensors(strings.Repeat(`{"a":`, 5000), 0))
	f.Add([]byte{255, 255, 255, 255, 255, 255, 255, 127, '{', '}'})
	f.Add([]byte{0, 225, 245, 5, 0, 0, 0, 0, '{', '}'})
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, raw []byte) {
		path := filepath.Join(t.TempDir(), WeightsFile)
		if err := os.WriteFile(path, raw, 0o644); err != nil {
			t.Fatal(err)
		}
		bounded(t, len(raw), func() {
			r, err := Open(path)
			if err != nil {
				if !strings.Contains(err.Error(), path) {
					t.Errorf("the error does not name the file: %v", err)
				}
				return
			}
			defer r.Close()
			for _, name := range r.Names() {
				info, _ := r.Info(name)
				if b, err := r.Bytes(name); err != nil || int64(len(b)) != info.Elements()*dtypeSize[info.DType] {
					t.Errorf("%q: %d bytes of %v %s: %v", name, len(b), info.Shape, info.DType, err)
				}
				if v, err := r.Float32(name); err == nil && int64(len(v)) != info.Elements() {
					t.Errorf("%q: %d values of %v", name, len(v), info.Shape)
				}
			}
		})
	})
}

// FuzzNF4: whatever stands beside a weight in 4 bits, it is read as a whole weight,
// which is stored again as the same, or refused by the file's name.
func FuzzNF4(f *testing.F) {
	const record = `{"quant_type": "nf4", "blocksize": 64, "dtype": "float32", "shape": [10, 13], "nested_blocksize": 256, "nested_dtype": "float32", "nested_offset": 0.5}`
	f.Add([]byte(record), []byte{1, 2, 3}, []byte{1, 2, 3, 4}, 10, 13, true)
	f.Add([]byte(`{"quant_type": "nf4", "blocksize": 64, "dtype": "bfloat16", "shape": [10, 13]}`), make([]byte, 12), []byte(nil), 10, 13, false)
	f.Add([]byte(strings.Replace(record, "0.5", "1e300", 1)), []byte{1, 2, 3}, []byte{1, 2, 3, 4}, 10, 13, true)
	f.Add([]byte(strings.Replace(record, "10, 13", "4294967296, 4294967296", 1)), []byte(nil), []byte(nil), 1<<32, 1<<32, true)
	f.Add([]byte(strings.Replace(record, "10, 13", "-10, -13", 1)), []byte{1, 2, 3}, []byte{1, 2, 3, 4}, -10, -13, true)
	f.Add([]byte(strings.Replace(record, "10, 13", "0, 13", 1)), []byte(nil), []byte(nil), 0, 13, true)
	f.Add([]byte(record+record), []byte{1, 2, 3}, []byte{1, 2, 3, 4}, 10, 13, true)
	f.Add([]byte(`{"quant_type": "nf4", "nested_blocksize": null}`), []byte{1}, []byte{1, 2, 3, 4}, 1, 1, true)
	f.Add(bytes.Repeat([]byte(`{"shape":[`), 5000), []byte{1}, []byte{1, 2, 3, 4}, 1, 1, true)
	f.Fuzz(func(t *testing.T, record, absmax, nested []byte, out, in int, codesFit bool) {
		path := filepath.Join(t.TempDir(), WeightsFile)
		codes := make([]byte, 65)
		if !codesFit {
			codes = codes[:max(0, min(out, 65))]
		}
		tensors := []Tensor{{Name: "w", DType: "U8", Shape: []int{len(codes), 1}, Raw: codes}, {Name: "w.quant_map", Shape: []int{16}, Data: make([]float32, 16)},
			{Name: "w" + nf4State, DType: "U8", Shape: []int{len(record)}, Raw: append([]byte{}, record...)}}
		if len(nested) > 0 {
			tensors = append(tensors, Tensor{Name: "w.absmax", DType: "U8", Shape: []int{len(absmax)}, Raw: append([]byte{}, absmax...)},
				Tensor{Name: "w.nested_absmax", Shape: []int{len(nested) / 4}, Raw: append([]byte{}, nested[:len(nested)/4*4]...)},
				Tensor{Name: "w.nested_quant_map", Shape: []int{256}, Data: make([]float32, 256)})
		} else {
			tensors = append(tensors, Tensor{Name: "w.absmax", Shape: []int{len(absmax) / 4}, Raw: append([]byte{}, absmax[:len(absmax)/4*4]...)})
		}
		if err := WriteSafetensors(path, tensors, nil); err != nil {
			t.Fatal(err)
		}
		bounded(t, len(record)+len(absmax)+len(nested)+2000, func() {
			r, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			w, err := r.NF4("w", out, in)
			if err != nil {
				if !strings.Contains(err.Error(), path) {
					t.Errorf("the error does not name the file: %v", err)
				}
				return
			}
			if n := out * in; len(w.Codes) != (n+1)/2 || len(w.Scales()) != (n+63)/64 {
				t.Errorf("%d by %d has %d bytes of codes and %d scales", out, in, len(w.Codes), len(w.Scales()))
			}
			again := filepath.Join(t.TempDir(), WeightsFile)
			if err := WriteSafetensors(again, w.Tensors("w"), nil); err != nil {
				t.Fatal(err)
			}
			b, err := Open(again)
			if err != nil {
				t.Fatal(err)
			}
			defer b.Close()
			// As text, since a scale may be NaN.
			if back, err := b.NF4("w", out, in); err != nil || fmt.Sprint(back.Scales(), back.Codes) != fmt.Sprint(w.Scales(), w.Codes) {
				t.Errorf("stored again: %v", err)
			}
		})
	})
}

// FuzzIndex: the index of sharded weights, beside one real shard.
func FuzzIndex(f *testing.F) {
	f.Add([]byte(`{"metadata":{"total_size":4},"weight_map":{"a":"s.safetensors"}}`))
	f.Add([]byte(`{"weight_map":{"a":"s.safetensors","b":"s.safetensors"}}`))
	f.Add([]byte(`{"weight_map":{"a":"../s.safetensors"}}`))
	f.Add([]byte(`{"weight_map":{"a":"/etc/passwd","b":".","c":""}}`))
	f.Add([]byte(`{"weight_map":{"a":{"b":1}}}`))
	f.Add([]byte(`{"weight_map":null}`))
	f.Add([]byte(strings.Repeat("[", 20000)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		dir := t.TempDir()
		for name, data := range map[string][]byte{IndexFile: raw, "s.safetensors": safetensors(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4)} {
			if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		bounded(t, len(raw), func() {
			r, err := OpenDir(dir)
			if err != nil {
				if !strings.Contains(err.Error(), dir) {
					t.Errorf("the error does not name the folder: %v", err)
				}
				return
			}
			defer r.Close()
			if names := r.Names(); len(names) != 1 || names[0] != "a" {
				t.Errorf("opened with %v", names)
			}
		})
	})
}

// FuzzConfig: a config.json is read or refused, and one that was read is
// written and read again as the same.
func FuzzConfig(f *testing.F) {
	sizes := `"vocab_size":32,"hidden_size":16,"intermediate_size":24,"num_hidden_layers":2,"num_attention_heads":4,"num_key_value_heads":2,"head_dim":4`
	for _, family := range Families() {
		f.Add([]byte(fmt.Sprintf(`{"model_type":%q,%s}`, family, sizes)))
	}
	f.Add([]byte(`{"model_type":"gpt2","vocab_size":32,"n_embd":16,"n_layer":2,"n_head":4,"n_positions":64}`))
	f.Add([]byte(`{"model_type":"opt","ffn_dim":24,"word_embed_proj_dim":8,"do_layer_norm_before":false,` + sizes + `}`))
	f.Add([]byte(`{"model_type":"llama",` + sizes + `,"rope_scaling":{"rope_type":"llama3","factor":8,"low_freq_factor":1,"high_freq_factor":4,"original_max_position_embeddings":8}}`))
	f.Add([]byte(`{"model_type":"llama",` + sizes + `,"rope_scaling":{"type":"yarn","factor":null,"original_max_position_embeddings":8,"mscale":1,"mscale_all_dim":0.5}}`))
	f.Add([]byte(`{"model_type":"gemma3_text",` + sizes + `,"rope_parameters":{"full_attention":{"rope_type":"linear","factor":8},"sliding_attention":{"rope_type":"yarn","factor":2}}}`))
	f.Add([]byte(`{"model_type":"qwen2",` + sizes + `,"use_sliding_window":true,"sliding_window":3,"layer_types":["sliding_attention","full_attention"],"eos_token_id":[1,2]}`))
	f.Add([]byte(`{"model_type":"smollm3",` + sizes + `,"no_rope_layers":[1,0],"no_rope_layer_interval":0}`))
	f.Add([]byte(`{"model_type":"smollm3","num_hidden_layers":2147483647}`))
	f.Add([]byte(`{"model_type":"llama","vocab_size":1e308,"hidden_size":-1}`))
	f.Add([]byte(`{"model_type":5}`))
	f.Add([]byte(strings.Repeat(`{"model_type":`, 3000)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		bounded(t, len(raw), func() {
			c, err := ParseConfig(raw)
			if err != nil {
				return
			}
			dir := t.TempDir()
			if err := WriteConfig(dir, c, "F32"); err != nil {
				t.Fatal(err)
			}
			if back, err := ReadConfig(dir); err != nil || fmt.Sprintf("%+v", back) != fmt.Sprintf("%+v", c) {
				t.Errorf("read %+v, written and read again %+v (%v)", c, back, err)
			}
		})
	})
}
