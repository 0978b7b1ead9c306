package compute

import "fmt"

// Precisions of an engine's matrix products.
const (
	FullPrecision = "f32"
	BF16Precision = "bf16" // operands rounded to bf16, sums in f32 (GemmBF16); all else stays f32
)

// Mixed is an engine that can multiply in less than f32.
type Mixed interface {
	Engine
	Precision() string
	SetPrecision(precision string) error
}

// Precision is that of e's matrix products, "f32" unless SetPrecision changed it.
func Precision(e Engine) string {
	if m, ok := e.(Mixed); ok {
		return m.Precision()
	}
	return FullPrecision
}

// OpenPrecise is Open, of "cpu" where name is "", with a precision of the products.
func OpenPrecise(name, precision string, threads int) (Engine, error) {
	if name == "" {
		name = "cpu"
	}
	e, err := Open(name, threads)
	if err != nil {
		return nil, err
	}
	if err := SetPrecision(e, precision); err != nil {
		Close(e)
		return nil, err
	}
	return e, nil
}

// SetPrecision sets what autograd's products on e are computed in, before its
// first tape; "" means "f32".
func SetPrecision(e Engine, precision string) error {
	if precision == "" {
		precision = FullPrecision
	}
	if m, ok := e.(Mixed); ok {
		return m.SetPrecision(precision)
	}
	if precision != FullPrecision {
		return fmt.Errorf("precision: engine %q has no %s arithmetic; use %s", e.Name(), precision, FullPrecision)
	}
	return nil
}
