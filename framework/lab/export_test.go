package lab

import "testing"

// A recorded model as from_pretrained takes it: of the Hub with the commit.
func TestFromPretrained(t *testing.T) {
	for model, want := range map[string][2]string{
		"/models/llama": {"/models/llama", ""},
		"hf:meta-llama/Llama-3.2-1B@4e20de362430cd3b72f300e6b0f18e50e7166e08": {"meta-llama/Llama-3.2-1B", "4e20de362430cd3b72f300e6b0f18e50e7166e08"},
	} {
		name, revision, err := fromPretrained(model)
		if err != nil || [2]string{name, revision} != want {
			t.Errorf("%s: %q, %q (%v)", model, name, revision, err)
		}
	}
}
