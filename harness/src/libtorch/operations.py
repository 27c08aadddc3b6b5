class Operations(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  def convolution_input_gradient(self: __torch__.Operations,
    gradient: Tensor,
    input: Tensor,
    kernel: Tensor,
    stride: int,
    padding: int) -> Tensor:
    a, b, c = torch.convolution_backward(gradient, input, kernel, None, [stride, stride], [padding, padding], [1, 1], False, [0, 0], 1, [True, False, False])
    return a
  def convolution_kernel_gradient(self: __torch__.Operations,
    gradient: Tensor,
    input: Tensor,
    kernel: Tensor,
    stride: int,
    padding: int) -> Tensor:
    a, b, c = torch.convolution_backward(gradient, input, kernel, None, [stride, stride], [padding, padding], [1, 1], False, [0, 0], 1, [False, True, False])
    return b
  def batch_norm_gradients(self: __torch__.Operations,
    gradient: Tensor,
    input: Tensor,
    gamma: Tensor,
    mean: Tensor,
    inverse: Tensor,
    epsilon: float) -> List[Tensor]:
    a, b, c = torch.native_batch_norm_backward(gradient, input, gamma, None, None, mean, inverse, True, epsilon, [True, True, True])
    return [a, b, c]
  def adamw(self: __torch__.Operations,
    weights: List[Tensor],
    gradient: List[Tensor],
    mean: List[Tensor],
    square: List[Tensor],
    time: List[Tensor],
    rate: float,
    beta1: float,
    beta2: float,
    decay: float,
    epsilon: float) -> List[Tensor]:
    _0 = torch._fused_adamw_(weights, gradient, mean, square, annotate(List[Tensor], []), time, lr=rate, beta1=beta1, beta2=beta2, weight_decay=decay, eps=epsilon, amsgrad=False, maximize=False, grad_scale=None, found_inf=None)
    return weights
