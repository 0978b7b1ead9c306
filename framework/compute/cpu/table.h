// The kernels of one instruction set under the names of package compute's ops.
#define K(name) {#name, k_##name}
const tl_kernel TL_TABLE[] = {
    K(exp), K(exp_grad), K(log), K(log_grad), K(sqrt), K(sqrt_grad), K(tanh), K(tanh_grad),
    K(sigmoid), K(sigmoid_grad), K(relu), K(relu_grad), K(silu), K(silu_grad), K(softplus), K(softplus_grad),
    K(gelu), K(gelu_grad), K(gelu_tanh), K(gelu_tanh_grad), K(clamp), K(clamp_grad), K(scale),
    K(add), K(sub), K(mul), K(mul_grad), K(div), K(div_grad), K(min), K(min_grad), K(max), K(max_grad),
    K(silu_mul), K(silu_mul_grad), K(fill), K(axpy), K(copy), K(dropout), K(adamw), K(sum_grad),
    K(gemm), K(gemm_nf4), K(gemm_bf16), K(gemm_nf4_bf16), K(dequant_nf4), K(transpose), K(rope), K(attention), K(attention_grad),
    K(add_row), K(mul_row), K(mul_row_grad), K(mul_col), K(mul_col_grad), K(col_sum), K(row_sum), K(row_sum_grad),
    K(sum), K(sum_squares), K(softmax), K(softmax_grad), K(rms_norm), K(rms_norm_grad), K(layer_norm), K(layer_norm_grad),
    K(gather_rows), K(scatter_add_rows), K(put_rows), K(segment_mean), K(segment_mean_grad),
    K(nll), K(nll_grad), K(cross_entropy), K(log_prob), K(log_prob_grad),
    {0, 0}};
