package checkpoint

import (
	"reflect"
	"strings"
	"testing"
)

func TestLabelsOfAClassifier(t *testing.T) {
	const is = `,"architectures":["LlamaForSequenceClassification"]`
	for more, want := range map[string][]string{
		`,"architectures":["LlamaForCausalLM"],"id2label":{"0":"a","1":"b"}`: nil,
		is: {"LABEL_0", "LABEL_1"},
		is + `,"id2label":{"2":"c","0":"a","1":"b"}`: {"a", "b", "c"},
	} {
		if got := parse(t, Llama, more).Labels; !reflect.DeepEqual(got, want) {
			t.Errorf("%s: labels %q, expected %q", more, got, want)
		}
	}
	_, err := ParseConfig([]byte(`{"model_type":"llama",` + someSizes + is + `,"id2label":{"0":"a","2":"c"}}`))
	if err == nil || !strings.HasPrefix(err.Error(), "id2label: has 2 labels and none of id 1") {
		t.Errorf("a label that is missing: %v", err)
	}
}

// The names of transformers' classes, and the configuration of one.
func TestClassifierOfEachFamily(t *testing.T) {
	want := map[string]string{
		GPT2: "GPT2ForSequenceClassification", GPTNeoX: "GPTNeoXForSequenceClassification", OPT: "OPTForSequenceClassification",
		Llama: "LlamaForSequenceClassification", SmolLM3: "SmolLM3ForSequenceClassification", Mistral: "MistralForSequenceClassification",
		Qwen2: "Qwen2ForSequenceClassification", Qwen3: "Qwen3ForSequenceClassification", Gemma2: "Gemma2ForSequenceClassification",
		Gemma3: "Gemma3TextForSequenceClassification", Phi: "PhiForSequenceClassification", OLMo2: "Olmo2ForSequenceClassification", Granite: "",
	}
	for _, family := range Families() {
		if got, err := (Config{Family: family}).Classifier(); got != want[family] || (err != nil) != (got == "") {
			t.Errorf("%s: class %q (%v), expected %q", family, got, err, want[family])
		}
	}
	projected := Config{Family: OPT, HiddenSize: 16, Choices: Choices{EmbedSize: 8}}
	if _, err := projected.Classifier(); err == nil || !strings.Contains(err.Error(), "projection to 8 channels") {
		t.Errorf("OPT with a projected embedding: %v", err)
	}
	dir, c := t.TempDir(), parse(t, Llama, "")
	c.Labels = []string{"yes", "no"}
	if err := WriteConfig(dir, c, "F32"); err != nil {
		t.Fatal(err)
	}
	if back, err := ReadConfig(dir); err != nil || !reflect.DeepEqual(back, c) {
		t.Errorf("read back %+v (%v), written %+v", back, err, c)
	}
	if c.Family = Granite; WriteConfig(dir, c, "F32") == nil {
		t.Error("a classifier of a family that transformers has none of was written")
	}
}
