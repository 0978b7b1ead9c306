package autogradtest_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/tunelab/tunelab/framework/compute"
	"github.com/tunelab/tunelab/framework/compute/computetest"
	"github.com/tunelab/tunelab/framework/compute/cpu"
	"github.com/tunelab/tunelab/framework/compute/ref"
	"github.com/tunelab/tunelab/framework/train/autograd"
	"github.com/tunelab/tunelab/framework/train/autograd/autogradtest"
)

// An op of a plugin's own, through exported names only: the squared ReLU (So et
// al. 2021, Primer, section 3). It has a kernel for ref and for cpu; a second
// one, its cube, for ref alone.
var (
	relu2     = register("plugin_relu2", "y = max(x, 0)^2", true, func(x float64) float64 { return x * x })
	relu2Grad = registerGrad("plugin_relu2_grad", "dx += 2 max(x, 0) dy", true, func(x float64) float64 { return 2 * x })
	relu3     = register("plugin_relu3", "y = max(x, 0)^3", false, func(x float64) float64 { return x * x * x })
	relu3Grad = registerGrad("plugin_relu3_grad", "dx += 3 max(x, 0)^2 dy", false, func(x float64) float64 { return 3 * x * x })
	wrongGrad = registerGrad("plugin_wrong_grad", "a mistake, for the checks to find", true, func(x float64) float64 { return x })
)

func record(name, doc string, bufs ...compute.Arg) *compute.Op {
	return compute.RegisterOp(compute.Op{Name: name, Doc: doc, Ints: []string{"N"}, Bufs: bufs,
		Sizes: func(i *[compute.MaxInts]int64, n *[compute.MaxBufs]int64) {
			for k := range bufs {
				n[k] = i[0]
			}
		},
		Work: func(i *[compute.MaxInts]int64) int64 { return 3 * i[0] }})
}

func register(name, doc string, fast bool, f func(float64) float64) *compute.Op {
	op := record(name, doc, compute.Arg{Name: "x", Type: compute.F32, Dir: compute.In}, compute.Arg{Name: "y", Type: compute.F32, Dir: compute.Out})
	ref.Register(name, func(a *compute.Args) {
		y := ref.Floats(a.Buf[1])
		for i, x := range ref.Floats(a.Buf[0]) {
			y[i] = f(math.Max(x, 0))
		}
	})
	if fast {
		cpu.Register(name, func(a *compute.Args) {
			y := cpu.Floats(a.Buf[1])
			for i, x := range cpu.Floats(a.Buf[0]) {
				y[i] = float32(f(float64(max(x, 0))))
			}
		})
	}
	return op
}

func registerGrad(name, doc string, fast bool, f func(float64) float64) *compute.Op {
	arg := func(name string, dir compute.Dir) compute.Arg {
		return compute.Arg{Name: name, Type: compute.F32, Dir: dir}
	}
	op := record(name, doc, arg("x", compute.In), arg("y", compute.In), arg("dy", compute.In), arg("dx", compute.InOut))
	ref.Register(name, func(a *compute.Args) {
		dy, dx := ref.Floats(a.Buf[2]), ref.Floats(a.Buf[3])
		for i, x := range ref.Floats(a.Buf[0]) {
			dx[i] += f(math.Max(x, 0)) * dy[i]
		}
	})
	if fast {
		cpu.Register(name, func(a *compute.Args) {
			dy, dx := cpu.Floats(a.Buf[2]), cpu.Floats(a.Buf[3])
			for i, x := range cpu.Floats(a.Buf[0]) {
				dx[i] += float32(f(float64(max(x, 0)))) * dy[i]
			}
		})
	}
	return op
}

func call(fwd, grad *compute.Op) autogradtest.Case {
	return autogradtest.Case{Shapes: [][]int{{3, 19}, {3, 19}}, Tolerance: 1e-6, Fn: func(t *autograd.Tape, in []*autograd.Var) []*autograd.Var {
		x := t.Mul(in[0], in[1])
		y := t.Op(fwd, grad, x.Shape(), []int64{int64(x.Len())}, nil, x)
		return []*autograd.Var{t.Add(y, x)}
	}}
}

func fast(t *testing.T) compute.Engine {
	t.Helper()
	e, err := compute.Open("cpu", 1)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestAnOpOfAPlugin(t *testing.T) {
	e := fast(t)
	for _, op := range []*compute.Op{relu2, relu2Grad} {
		computetest.Op(t, e, ref.New(), op, computetest.Case{Tolerance: 1e-6, Ints: [][]int64{{1}, {37}, {5000}}})
	}
	autogradtest.Check(t, e, call(relu2, relu2Grad))
	if _, ok := e.Kernel(relu3.Name); ok {
		t.Fatal("the cpu engine has a kernel that nobody registered")
	}
	autogradtest.Check(t, e, call(relu3, relu3Grad)) // the reference's, on copies
}

// Without a gradient op the result is a constant.
func TestAnOpWithoutAGradient(t *testing.T) {
	tape := autograd.NewTape(fast(t), true)
	defer tape.Release()
	x := tape.Leaf([]int{3}, []float32{-1, 2, 3})
	y := tape.Op(relu3, nil, []int{3}, []int64{3}, nil, x)
	if got := y.Value(); !slices.Equal(got, []float32{0, 8, 27}) || y.NeedsGrad() {
		t.Errorf("got %v, needs a gradient: %v", got, y.NeedsGrad())
	}
	if tape.FLOPs() != 9 {
		t.Errorf("%d FLOPs, the record says 9", tape.FLOPs())
	}
}

// finds notes what a check complained about.
type finds struct {
	testing.TB
	all []string
}

func (f *finds) Helper()                        {}
func (f *finds) Errorf(format string, a ...any) { f.all = append(f.all, fmt.Sprintf(format, a...)) }

func TestAWrongGradientIsFound(t *testing.T) {
	f := &finds{TB: t}
	autogradtest.Check(f, fast(t), call(relu2, wrongGrad))
	if len(f.all) != 2 {
		t.Errorf("complaints %q, expected one for each input", f.all)
	}
}
