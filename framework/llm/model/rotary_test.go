package model

import (
	"math"
	"testing"

	"github.com/tunelab/tunelab/framework/llm/checkpoint"
)

// The frequencies of real configurations, at channels 0, 10, 20, 30, 35, 40, 50
// and 63 of 64, as transformers 5.23.0 computes them (modeling_rope_utils.py).
func TestScaledFrequenciesEqualTransformers(t *testing.T) {
	shape := `"hidden_size":4096,"num_attention_heads":32,"intermediate_size":1,"num_hidden_layers":1,"vocab_size":1`
	for name, c := range map[string]struct {
		config string
		factor float64
		want   [8]float64
	}{
		"Llama 3.1": {`{"model_type":"llama",` + shape + `,"max_position_embeddings":131072,"rope_theta":500000.0,"rope_scaling":{"rope_type":"llama3","factor":8.0,"low_freq_factor":1.0,"high_freq_factor":4.0,"original_max_position_embeddings":8192}}`,
			1, [8]float64{1.0, 0.128687382, 0.0165604409, 0.00137189368, 9.55621217e-05, 3.42810235e-05, 4.41153452e-06, 3.06892588e-07}},
		"Qwen 2.5": {`{"model_type":"qwen2",` + shape + `,"rope_theta":1000000.0,"rope_scaling":{"type":"yarn","factor":4.0,"original_max_position_embeddings":32768}}`,
			1.138629436111989, [8]float64{1.0, 0.115478203, 0.0133352149, 0.00106436096, 0.000246258394, 4.44569851e-05, 5.13381246e-06, 3.10234441e-07}},
		"YaRN of all fields": {`{"model_type":"llama",` + shape + `,"rope_parameters":{"rope_type":"yarn","rope_theta":10000.0,"factor":40.0,"original_max_position_embeddings":4096,"mscale":1.0,"mscale_all_dim":0.707,"beta_fast":20.0,"truncate":false}}`,
			1.0857263992561355, [8]float64{1.0, 0.237137362, 0.0562341288, 0.00971907005, 0.00321208825, 0.000823610753, 1.87473543e-05, 2.88695469e-06}},
		"linear": {`{"model_type":"llama",` + shape + `,"rope_parameters":{"rope_type":"linear","factor":8.0,"rope_theta":1000000.0}}`,
			1, [8]float64{0.125, 0.0144347753, 0.00166690187, 0.000192490814, 6.54123869e-05, 2.22284925e-05, 2.56690623e-06, 1.5511722e-07}},
	} {
		cfg, err := checkpoint.ParseConfig([]byte(c.config))
		if err != nil {
			t.Fatal(name, err)
		}
		r := newRotary(cfg.RopeTheta, cfg.RotaryDim(), cfg.Rope)
		if len(r.invFreq) != 64 || math.Abs(float64(r.factor)-c.factor) > 1e-7 {
			t.Errorf("%s: %d frequencies, factor %g, want %g", name, len(r.invFreq), r.factor, c.factor)
		}
		for i, j := range []int{0, 10, 20, 30, 35, 40, 50, 63} {
			if got := float64(r.invFreq[j]); math.Abs(got/c.want[i]-1) > 3e-7 {
				t.Errorf("%s: frequency %d is %.9g, want %.9g", name, j, got, c.want[i])
			}
		}
	}
}
