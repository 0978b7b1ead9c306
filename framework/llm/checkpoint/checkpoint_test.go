package checkpoint

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// file builds a safetensors file from a literal header and data.
func file(t *testing.T, header string, data int) string {
	t.Helper()
	var b bytes.Buffer
	binary.Write(&b, binary.LittleEndian, uint64(len(header)))
	b.WriteString(header)
	b.Write(make([]byte, data))
	path := filepath.Join(t.TempDir(), "x.safetensors")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDamagedFilesAreRefused(t *testing.T) {
	for _, c := range []struct{ name, header, want string }{
		{"truncated data", `{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}`, `tensor "w": ends at byte 16 but the file has only 8`},
		{"overlap", `{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, `tensor "b": its bytes from 4 overlap those of "a"`},
		{"gap", `{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, `tensor "a": begins at 4 and leaves a gap`},
		{"slack", `{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, `end at byte 4 of the data section, which has 8`},
		{"duplicate", `{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, `tensor "a" stands twice`},
		{"size", `{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}`, `shape [3] of F32 needs 12 bytes`},
		{"dtype", `{"a":{"dtype":"F4","shape":[2],"data_offsets":[0,8]}}`, `tensor "a": unsupported dtype "F4"`},
		{"negative", `{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}`, `out of range`},
		{"order", `{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}`, `out of order`},
		{"huge", `{"a":{"dtype":"F32","shape":[2147483647,2147483647,2147483647],"data_offsets":[0,8]}}`, `out of range`},
		{"fields", `{"a":{"dtype":"F32","shape":[2]}}`, `needs dtype, shape and two data_offsets`},
		{"json", `{"a":`, `not valid JSON`},
		{"after", `{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}} x`, `follow the object`},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := file(t, c.header, 8)
			_, err := Open(path)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
				t.Fatalf("got %v, want the path and %q", err, c.want)
			}
		})
	}
	short := filepath.Join(t.TempDir(), "short.safetensors")
	for _, raw := range [][]byte{nil, {1, 2, 3}, {200, 0, 0, 0, 0, 0, 0, 0, '{'}, {0, 0, 0, 0, 0, 0, 0, 200}} {
		os.WriteFile(short, raw, 0o644)
		if _, err := Open(short); err == nil || !strings.Contains(err.Error(), short) {
			t.Errorf("%v: %v", raw, err)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.safetensors")
	data := []float32{1, -2.5, 3.0e-39, float32(math.Inf(1)), 0.1, 65504}
	err := WriteSafetensors(path, []Tensor{
		{Name: "b.weight", Shape: []int{2, 3}, Data: data},
		{Name: "a.bf", DType: "BF16", Shape: []int{6}, Data: data},
		{Name: "codes", DType: "U8", Shape: []int{3}, Raw: []byte{1, 2, 3}},
		{Name: "half", DType: "F16", Shape: []int{5}, Raw: []byte{0, 0x3c, 0xff, 0x7b, 1, 0, 0, 0x80, 0x55, 0xb5}},
		{Name: "scalar", Data: []float32{7}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got, want := r.Names(), []string{"a.bf", "b.weight", "codes", "half", "scalar"}; !slices.Equal(got, want) {
		t.Errorf("names %v", got)
	}
	if got, err := r.Float32("b.weight", 2, 3); err != nil || !slices.Equal(got, data) {
		t.Errorf("f32: %v %v", got, err)
	}
	bf, err := r.Float32("a.bf")
	want := []float32{1, -2.5, 33 * 0x1p-133, float32(math.Inf(1)), 0x1.9ap-4, 65536}
	if err != nil || !slices.Equal(bf, want) {
		t.Errorf("bf16: %v, want %v (%v)", bf, want, err)
	}
	half, err := r.Float32("half")
	if err != nil || !slices.Equal(half, []float32{1, 65504, 0x1p-24, 0, -0.33325195}) || !math.Signbit(float64(half[3])) {
		t.Errorf("f16: %v %v", half, err)
	}
	if got, err := r.Bytes("codes", 3); err != nil || !bytes.Equal(got, []byte{1, 2, 3}) {
		t.Errorf("u8: %v %v", got, err)
	}
	for name, want := range map[string]string{"codes": "dtype U8 cannot be read", "none": `"none" is missing`} {
		if _, err := r.Float32(name); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := r.Float32("b.weight", 3, 2); err == nil || !strings.Contains(err.Error(), "has shape [2 3], expected [3 2]") {
		t.Errorf("wrong shape: %v", err)
	}
	if one, err := ReadTensor(path, "scalar", nil); err != nil || len(one.Shape) != 0 || one.Data[0] != 7 {
		t.Errorf("scalar: %v %v", one, err)
	}
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".*"))
	if len(left) > 0 {
		t.Errorf("temporary files left: %v", left)
	}
}

// Every half survives both ways, and what lies between two rounds to the nearer
// one, ties to even.
func TestHalves(t *testing.T) {
	for h := range 1 << 16 {
		f := halfToFloat(uint16(h))
		if got := floatToHalf(f); got != uint16(h) && f == f {
			t.Fatalf("%#x is %g and back %#x", h, f, got)
		}
		next := halfToFloat(uint16(h + 1))
		if h&0x7fff >= 0x7bff { // the last finite one
			continue
		}
		middle := f + (next-f)/2
		for _, c := range []struct {
			v    float32
			want int
		}{{middle, h + h&1}, {math.Nextafter32(middle, f), h}, {math.Nextafter32(middle, next), h + 1}} {
			if got := floatToHalf(c.v); got != uint16(c.want) {
				t.Fatalf("%g becomes %#x, want %#x", c.v, got, c.want)
			}
		}
	}
	path := filepath.Join(t.TempDir(), "m.safetensors")
	if err := WriteSafetensors(path, []Tensor{{Name: "a", DType: "F16", Shape: []int{1}, Data: []float32{65520}}}, nil); err == nil || !strings.Contains(err.Error(), "over the largest F16") {
		t.Errorf("65520 as F16: %v", err)
	}
	if err := WriteSafetensors(path, []Tensor{{Name: "a", DType: "F16", Shape: []int{2}, Data: []float32{65519, float32(math.Inf(-1))}}}, nil); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadTensor(path, "a", nil); err != nil || got.Data[0] != 65504 || !math.IsInf(float64(got.Data[1]), -1) {
		t.Errorf("%v %v", got.Data, err)
	}
}

func TestWriterRefusesWrongSizes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.safetensors")
	for _, bad := range [][]Tensor{
		{{Name: "a", Shape: []int{2}, Data: []float32{1}}},
		{{Name: "a", Data: []float32{1}}, {Name: "a", Data: []float32{1}}},
		{{Name: "a", DType: "U8", Shape: []int{1}, Data: []float32{1}}},
		{{Name: "a", DType: "U8", Shape: []int{2}, Raw: []byte{1}}},
		{{Name: "a", DType: "Q4", Shape: []int{1}, Raw: []byte{1}}},
	} {
		if err := WriteSafetensors(path, bad, nil); err == nil {
			t.Errorf("%v was written", bad)
		}
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("a refused write left a file")
	}
}

func TestShards(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, tensors ...Tensor) {
		if err := WriteSafetensors(filepath.Join(dir, name), tensors, nil); err != nil {
			t.Fatal(err)
		}
	}
	index := func(s string) { os.WriteFile(filepath.Join(dir, IndexFile), []byte(s), 0o644) }
	write("s1.safetensors", Tensor{Name: "a", Shape: []int{1}, Data: []float32{1}})
	write("s2.safetensors", Tensor{Name: "b", Shape: []int{1}, Data: []float32{2}})
	index(`{"weight_map":{"a":"s1.safetensors","b":"s2.safetensors"}}`)
	r, err := OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if v, err := r.Float32("b", 1); err != nil || v[0] != 2 || !slices.Equal(r.Names(), []string{"a", "b"}) {
		t.Errorf("%v %v %v", v, err, r.Names())
	}
	r.Close()
	for s, want := range map[string]string{
		`{"weight_map":{"a":"s1.safetensors","c":"s2.safetensors"}}`: `tensor "c" is missing`,
		`{"weight_map":{"a":"s1.safetensors","b":"s3.safetensors"}}`: IndexFile + `: the shard s3.safetensors, which has 1 of the tensors, is missing`,
		`{"weight_map":{"a":"../s1.safetensors"}}`:                   `file name in the same folder`,
		`{"weight_map":{}}`: `weight_map is missing or empty`,
		`[`:                 `not valid JSON`,
	} {
		index(s)
		if _, err := OpenDir(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", s, err)
		}
	}
	empty := t.TempDir()
	if _, err := OpenDir(empty); err == nil || !strings.Contains(err.Error(), "has neither") {
		t.Errorf("empty folder: %v", err)
	}
	os.WriteFile(filepath.Join(empty, "pytorch_model-00001-of-00002.bin"), nil, 0o644)
	if _, err := OpenDir(empty); err == nil || !strings.Contains(err.Error(), "pytorch_model-00001-of-00002.bin is a PyTorch pickle") || !strings.Contains(err.Error(), "save_pretrained") {
		t.Errorf("a folder of pickles: %v", err)
	}
	for config, class := range map[string]string{
		`{"model_type":"bert","architectures":["BertForMaskedLM"]}`: "t.BertForMaskedLM.from",
		`{"model_type":"bert"}`:                        "t.AutoModel.from",
		`{"model_type":"opt","architectures":["A B"]}`: "t.AutoModelForCausalLM.from",
	} {
		os.WriteFile(filepath.Join(empty, ConfigFile), []byte(config), 0o644)
		if _, err := OpenDir(empty); err == nil || !strings.Contains(err.Error(), class) {
			t.Errorf("%s: %v, want %s", config, err, class)
		}
	}
}

func TestConfig(t *testing.T) {
	llama := `"model_type":"llama","vocab_size":32,"hidden_size":16,"intermediate_size":24,"num_hidden_layers":2,"num_attention_heads":4`
	c, err := ParseConfig([]byte(`{` + llama + `,"num_key_value_heads":2,"rope_parameters":{"rope_type":"default","rope_theta":500.0},"rope_scaling":null,"eos_token_id":[2,3]}`))
	if err != nil {
		t.Fatal(err)
	}
	if c.RopeTheta != 500 || c.HeadDim != 4 || c.KVHeads != 2 || c.BOS != 1 || c.PAD != -1 || !slices.Equal(c.EOS, []int{2, 3}) || c.TieEmbeddings {
		t.Errorf("%+v", c)
	}
	dir := t.TempDir()
	if err := WriteConfig(dir, c, "F32"); err != nil {
		t.Fatal(err)
	}
	if back, err := ReadConfig(dir); err != nil || back.RopeTheta != 500 || !slices.Equal(back.EOS, c.EOS) || back.HeadDim != 4 {
		t.Errorf("%+v %v", back, err)
	}
	g, err := ParseConfig([]byte(`{"model_type":"gpt2","vocab_size":32,"n_embd":16,"n_layer":2,"n_head":4,"n_positions":64,"n_inner":null}`))
	if err != nil || g.IntermediateSize != 64 || !g.TieEmbeddings || g.HeadDim != 4 {
		t.Errorf("%+v %v", g, err)
	}
	for s, want := range map[string]string{
		`{` + llama + `,"rope_scaling":{"rope_type":"llama3","factor":8}}`: `rope_scaling.low_freq_factor: is missing`,
		`{` + llama + `,"rope_scaling":{"type":"dynamic","factor":8}}`:     `rope_scaling.rope_type: "dynamic" (NTK) is not supported: its frequencies depend on the length of the sequence. Up to max_position_embeddings tokens`,
		`{` + llama + `,"rope_parameters":{"rope_type":"yarn"}}`:           `rope_scaling.factor: is missing`,
		`{` + llama + `,"rope_parameters":{"rope_type":"longrope"}}`:       `rope_parameters.rope_type: "longrope"`,
		`{` + llama + `,"rope_parameters":{"partial_rotary_factor":0.5}}`:  `rope_parameters.partial_rotary_factor: 0.5 is not supported`,
		`{` + llama + `,"hidden_act":"mish"}`:                              `hidden_act: "mish"`,
		`{` + llama + `,"num_hidden_layers":2000000000}`:                   `num_hidden_layers: 2000000000 is more`,
		`{` + llama + `,"quantization_config":{"bits":4}}`:                 `quantization_config`,
		`{` + llama + `,"num_key_value_heads":3}`:                          `num_key_value_heads: 3 does not divide`,
		`{` + llama + `,"vocab_size":"x"}`:                                 `vocab_size: got "x"`,
		`{` + llama + `,"vocab_size":1.5}`:                                 `vocab_size: 1.5 is not a size`,
		`{"model_type":"bert"}`:                                            `model_type: "bert" is not supported`,
		`{"model_type":"gpt2","vocab_size":8}`:                             `hidden_size: is missing`,
		`{"model_type":"gpt2","scale_attn_weights":false}`:                 `scale_attn_weights`,
	} {
		if _, err := ParseConfig([]byte(s)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", s, err, want)
		}
	}
}

func TestHashDirCountsWhatDecides(t *testing.T) {
	dir := t.TempDir()
	put := func(name, s string) { os.WriteFile(filepath.Join(dir, name), []byte(s), 0o644) }
	if _, _, err := HashDir(dir); err == nil {
		t.Error("an empty folder has a hash")
	}
	put("config.json", "{}")
	put("model.safetensors", "abc")
	a, n, err := HashDir(dir)
	if err != nil || n != 5 {
		t.Fatal(n, err)
	}
	put("README.md", "x")
	put(".config.json.123", "x")
	if b, _, _ := HashDir(dir); b != a {
		t.Error("a README changed the hash")
	}
	put("model.safetensors", "abd")
	if b, _, _ := HashDir(dir); b == a {
		t.Error("weights did not change the hash")
	}
	a, _, _ = HashDir(dir)
	if err := os.Mkdir(filepath.Join(dir, TemplateFolder), 0o755); err != nil {
		t.Fatal(err)
	}
	put(TemplateFolder+"/README.md", "x")
	if b, _, _ := HashDir(dir); b != a {
		t.Error("a README among the templates changed the hash")
	}
	put(TemplateFolder+"/tool_use.jinja", "x")
	if b, _, _ := HashDir(dir); b == a {
		t.Error("a chat template did not change the hash")
	}
}

func TestCopyCompanions(t *testing.T) {
	from, to, own := t.TempDir(), t.TempDir(), t.TempDir()
	for name, text := range map[string]string{"tokenizer.json": "T", "chat_template.jinja": "C", TemplateFolder + "/rag.jinja": "R", GenerationFile: "G"} {
		if err := WriteCompanion(from, name, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	for name, dir := range map[string]string{"config.json": from, "README.md": from, "tokenizer.json": to} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("own"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(own, "chat_template.jinja"), []byte("own"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(CopyCompanions(from, to), CopyCompanions(from, own)); err != nil {
		t.Fatal(err)
	}
	if names, err := Companions(own); err != nil || !slices.Equal(names, []string{"chat_template.jinja", GenerationFile, "tokenizer.json"}) {
		t.Errorf("beside a template of its own: %v, %v", names, err)
	}
	for name, want := range map[string]string{"tokenizer.json": "own", "chat_template.jinja": "C", TemplateFolder + "/rag.jinja": "R", GenerationFile: "G", "config.json": "", "README.md": ""} {
		if got, _ := os.ReadFile(filepath.Join(to, name)); string(got) != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

// Equal compares values, whatever they are stored as.
func TestEqual(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.safetensors")
	data := make([]float32, 40000) // more than a piece that is compared at a time
	for i := range data {
		data[i] = float32(i % 128)
	}
	other := slices.Clone(data)
	other[39999]++
	err := WriteSafetensors(path, []Tensor{
		{Name: "a", Shape: []int{40000}, Data: data}, {Name: "half", DType: "BF16", Shape: []int{200, 200}, Data: data},
		{Name: "other", Shape: []int{40000}, Data: other}, {Name: "short", Shape: []int{39999}, Data: data[:39999]},
		{Name: "codes", DType: "U8", Shape: []int{1}, Raw: []byte{1}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for name, want := range map[string]bool{"a": true, "half": true, "other": false, "short": false} {
		if got, err := r.Equal("a", name); err != nil || got != want {
			t.Errorf("a and %s are equal: %t (%v)", name, got, err)
		}
	}
	if _, err := r.Equal("a", "codes"); err == nil || !strings.Contains(err.Error(), "dtype U8") {
		t.Errorf("codes: %v", err)
	}
}
