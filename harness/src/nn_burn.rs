//! temporary
use burn::{module::Module, nn, tensor::{Device, Tensor, activation::relu}};
#[derive(Module, Debug)]
pub struct Conv2d { inner: nn::conv::Conv2d }
impl Conv2d { pub fn new(i: usize, o: usize, k: usize, s: usize, d: &Device) -> Self { Self { inner: nn::conv::Conv2dConfig::new([i,o],[k,k]).with_stride([s,s]).with_padding(nn::PaddingConfig2d::Explicit(k/2,k/2,k/2,k/2)).with_bias(false).init(d) } }
 pub fn forward(&self, x: Tensor<4>) -> Tensor<4> { self.inner.forward(x) } }
#[derive(Module, Debug)]
pub struct BatchNorm { inner: nn::BatchNorm }
impl BatchNorm { pub fn new(c: usize, d: &Device) -> Self { Self { inner: nn::BatchNormConfig::new(c).init(d) } }
 pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> { self.inner.forward(x) }
 pub fn forward_relu<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> { relu(self.forward(x)) } }
pub fn add_relu(a: Tensor<4>, b: Tensor<4>) -> Tensor<4> { relu(a + b) }
pub fn global_mean(x: Tensor<4>) -> Tensor<2> { let [n,c,_,_] = x.dims(); x.mean_dim(3).mean_dim(2).reshape([n,c]) }
