package tracking

import (
	"encoding/json"
	"fmt"
	"math"
)

// number is a float64 in JSON: a JSON number where there is one, and the
// strings "NaN", "Infinity" and "-Infinity" where there is none, as protobuf's
// JSON mapping has it. Finite values, negative zero too, come back bit for
// bit; a NaN comes back as the usual NaN.
type number float64

func (n number) MarshalJSON() ([]byte, error) {
	switch f := float64(n); {
	case math.IsNaN(f):
		return []byte(`"NaN"`), nil
	case math.IsInf(f, 1):
		return []byte(`"Infinity"`), nil
	case math.IsInf(f, -1):
		return []byte(`"-Infinity"`), nil
	default:
		return json.Marshal(f)
	}
}

func (n *number) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case `"NaN"`:
		*n = number(math.NaN())
	case `"Infinity"`:
		*n = number(math.Inf(1))
	case `"-Infinity"`:
		*n = number(math.Inf(-1))
	default:
		var f float64
		if err := json.Unmarshal(b, &f); err != nil {
			return fmt.Errorf(`%s is no number; write one, or "NaN", "Infinity" or "-Infinity"`, b)
		}
		*n = number(f)
	}
	return nil
}

// The embedded alias has the fields without the methods; the outer field hides
// the one of the same JSON name.

type plainMetric Metric

type metricJSON struct {
	plainMetric
	Value number `json:"value"`
}

// MarshalJSON writes a value that is no JSON number as a string.
func (m Metric) MarshalJSON() ([]byte, error) {
	return json.Marshal(metricJSON{plainMetric(m), number(m.Value)})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (m *Metric) UnmarshalJSON(b []byte) error {
	var j metricJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*m = Metric(j.plainMetric)
	m.Value = float64(j.Value)
	return nil
}

type plainPrediction Prediction

type predictionJSON struct {
	plainPrediction
	Score number `json:"score"`
}

// MarshalJSON writes a score that is no JSON number as a string.
func (p Prediction) MarshalJSON() ([]byte, error) {
	return json.Marshal(predictionJSON{plainPrediction(p), number(p.Score)})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (p *Prediction) UnmarshalJSON(b []byte) error {
	var j predictionJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*p = Prediction(j.plainPrediction)
	p.Score = float64(j.Score)
	return nil
}

type plainScore Score

type scoreJSON struct {
	plainScore
	Value  number `json:"value"`
	StdErr number `json:"std_err"`
}

// MarshalJSON writes a value that is no JSON number as a string.
func (s Score) MarshalJSON() ([]byte, error) {
	return json.Marshal(scoreJSON{plainScore(s), number(s.Value), number(s.StdErr)})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (s *Score) UnmarshalJSON(b []byte) error {
	var j scoreJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*s = Score(j.plainScore)
	s.Value, s.StdErr = float64(j.Value), float64(j.StdErr)
	return nil
}
