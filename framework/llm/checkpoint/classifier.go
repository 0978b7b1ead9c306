package checkpoint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// classifierSuffix ends the names of transformers' classes with a label head.
const classifierSuffix = "ForSequenceClassification"

// Classifier is transformers' class of c's family with a label head: one linear
// layer "score" without bias, [labels, C], on the final state of a text's last
// token (modeling_layers.py, GenericForSequenceClassification). It is an error
// where transformers has no such class, or one that computes something else.
func (c Config) Classifier() (string, error) {
	family, ok := families[c.Family]
	switch {
	case !ok:
		return "", unsupported(c.Family)
	case c.Family == Granite:
		return "", fmt.Errorf("transformers has no class of %s for sequence classification", c.Family)
	case c.EmbedSize != 0: // OPT-350M
		return "", fmt.Errorf("%s for sequence classification puts the head behind the projection to %d channels, not on the final state of %d", c.Family, c.EmbedSize, c.HiddenSize)
	case c.Family == GPT2:
		return "GPT2" + classifierSuffix, nil
	case c.Family == Gemma3:
		return "Gemma3Text" + classifierSuffix, nil
	}
	return strings.TrimSuffix(family.architecture, "ForCausalLM") + classifierSuffix, nil
}

// labels are those of a classifier's config.json in the order of their ids; nil
// of a language model. Where id2label is missing transformers takes two.
func (f *Fields) labels() []string {
	classes := DecodeField[[]string](f, "architectures", nil)
	if !slices.ContainsFunc(classes, func(c string) bool { return strings.HasSuffix(c, classifierSuffix) }) {
		return nil
	}
	byID := DecodeField[map[string]string](f, "id2label", nil)
	if byID == nil {
		return []string{"LABEL_0", "LABEL_1"}
	}
	out := make([]string, len(byID))
	for i := range out {
		label, ok := byID[strconv.Itoa(i)]
		if out[i] = label; !ok {
			f.Fail("id2label", "has %d labels and none of id %d", len(byID), i)
		}
	}
	return out
}

// writeLabels makes m a classifier's.
func (c Config) writeLabels(m map[string]any) error {
	class, err := c.Classifier()
	if err != nil {
		return err
	}
	byID, ids := map[string]string{}, map[string]int{}
	for i, l := range c.Labels {
		byID[strconv.Itoa(i)], ids[l] = l, i
	}
	m["architectures"], m["id2label"], m["label2id"] = []string{class}, byID, ids
	return nil
}
