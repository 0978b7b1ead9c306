package compute

import "fmt"

// DType is the element type of a buffer.
type DType uint8

// Element types. F32 is IEEE-754 binary32 (the ref engine keeps more digits
// inside), I32 a signed 32-bit integer (ids, positions), U8 a byte (codes).
const (
	F32 DType = iota
	I32
	U8
)

// Size is the width of one element in bytes.
func (d DType) Size() int {
	if d == U8 {
		return 1
	}
	return 4
}

func (d DType) String() string {
	switch d {
	case F32:
		return "f32"
	case I32:
		return "i32"
	case U8:
		return "u8"
	}
	return fmt.Sprintf("dtype(%d)", uint8(d))
}

// Buffer is memory that belongs to one engine. Only that engine sees inside.
type Buffer interface {
	DType() DType
	Len() int // elements
}

// Tensor is a row-major, contiguous array with a shape.
type Tensor struct {
	Shape []int
	Buf   Buffer
}

// NewTensor allocates a zeroed tensor on e.
func NewTensor(e Engine, dt DType, shape ...int) *Tensor {
	return &Tensor{Shape: append([]int(nil), shape...), Buf: e.Alloc(dt, NumElements(shape))}
}

// FromFloats uploads data as an F32 tensor of the given shape; it panics with a
// *SizeError if the number of elements differs.
func FromFloats(e Engine, data []float32, shape ...int) *Tensor {
	t := NewTensor(e, F32, shape...)
	e.Upload(t.Buf, data)
	return t
}

// Len is the number of elements.
func (t *Tensor) Len() int { return NumElements(t.Shape) }

// Rows is the product of all dimensions but the last.
func (t *Tensor) Rows() int { return Rows(t.Shape) }

// Cols is the last dimension, 1 for a scalar.
func (t *Tensor) Cols() int { return Cols(t.Shape) }

// Floats downloads an F32 tensor.
func (t *Tensor) Floats(e Engine) []float32 {
	out := make([]float32, t.Len())
	e.Download(out, t.Buf)
	return out
}

// NumElements is the product of the dimensions; 1 for an empty shape (scalar).
func NumElements(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// Cols is the last dimension of shape, 1 for a scalar.
func Cols(shape []int) int {
	if len(shape) == 0 {
		return 1
	}
	return shape[len(shape)-1]
}

// Rows is the product of all dimensions of shape but the last.
func Rows(shape []int) int {
	if len(shape) == 0 {
		return 1
	}
	return NumElements(shape[:len(shape)-1])
}
