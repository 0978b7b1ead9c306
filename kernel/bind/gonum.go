package bind

import (
	"fmt"
	"go/constant"
	"reflect"

	"github.com/goplus/ixgo"
)

//go:generate go run generate.go gonum.org/v1/plot gonum.org/v1/plot/plotter gonum.org/v1/plot/plotutil gonum.org/v1/plot/vg gonum.org/v1/plot/vg/draw gonum.org/v1/plot/vg/vgimg gonum.org/v1/plot/palette gonum.org/v1/plot/palette/moreland gonum.org/v1/plot/font gonum.org/v1/plot/text gonum.org/v1/gonum/floats gonum.org/v1/gonum/stat gonum.org/v1/gonum/stat/distuv gonum.org/v1/gonum/mat

// typed is a constant of a type.
func typed(v any) ixgo.TypedConst {
	return ixgo.TypedConst{Typ: reflect.TypeOf(v), Value: value(reflect.ValueOf(v))}
}

// untyped is a constant without one, by the name that go/types has for its kind.
func untyped(kind string, v any) ixgo.UntypedConst {
	return ixgo.UntypedConst{Typ: kind, Value: value(reflect.ValueOf(v))}
}

func value(v reflect.Value) constant.Value {
	switch {
	case v.CanInt():
		return constant.MakeInt64(v.Int())
	case v.CanUint():
		return constant.MakeUint64(v.Uint())
	case v.CanFloat():
		return constant.MakeFloat64(v.Float())
	case v.Kind() == reflect.String:
		return constant.MakeString(v.String())
	case v.Kind() == reflect.Bool:
		return constant.MakeBool(v.Bool())
	}
	panic(fmt.Sprintf("bind: no constant of a %s", v.Type()))
}
