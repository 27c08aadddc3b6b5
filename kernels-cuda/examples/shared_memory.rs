//! The shared memory of every kernel, in bytes: what `ptxas` cannot know, since the launch
//! asks for it. `scripts/ptx` puts it into the table of resources.

fn main() {
    for (name, bytes) in kernels_cuda_device::list::shared_bytes() {
        println!("{name} {bytes}");
    }
}
