// The kernels in portable C; fmaf gives the same single rounding as vector FMA.
#define TL_ISA 0
#define TL_TABLE tl_kernels_portable
#include "vec.h"
#include "vecmath.h"
#include "gemm.h"
#include "elementwise.h"
#include "rows.h"
#include "gemm_bf16.h"
#include "loss.h"
#include "rope.h"
#include "attention.h"
#include "table.h"
