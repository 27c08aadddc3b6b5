//! Who runs next, and what collective operations give.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use corosensei::stack::DefaultStack;
use corosensei::{Coroutine, CoroutineResult};
use kernels_cuda_device::{BLOCK, Kernel, WARP};

use super::block::{Block, Fault};
use super::lane::{Answer, Lane, Wait};
use super::memory::Memory;
use super::multiply;

/// Bytes of a lane's stack; kernels keep little on it.
const STACK: usize = 128 << 10;

/// SplitMix64.
#[derive(Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `limit`, which is not 0.
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }

    /// Removes one of them.
    fn draw<T>(&mut self, items: &mut Vec<T>) -> Option<T> {
        if items.is_empty() {
            return None;
        }
        let at = self.below(items.len());
        Some(items.swap_remove(at))
    }
}

/// Stacks of lanes that have ended.
#[derive(Default)]
pub(super) struct Stacks(Vec<DefaultStack>);

impl fmt::Debug for Stacks {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} stacks", self.0.len())
    }
}

/// A launch.
pub(super) struct Grid {
    pub(super) memory: Rc<Memory>,
    pub(super) size: [u32; 2],
    pub(super) launch: u32,
    /// A barrier that all threads are to pass without waiting.
    pub(super) skip: Option<u32>,
}

type Thread = Coroutine<Answer, Wait, (), DefaultStack>;

/// The lanes of a block, with what each of them waits for.
struct Lanes {
    threads: Vec<Thread>,
    waits: Vec<Option<Wait>>,
    answers: Vec<Answer>,
    ready: Vec<usize>,
    ended: usize,
}

impl Grid {
    /// Runs all blocks; tells how many barriers a block has at most.
    pub(super) fn run<K: Kernel>(
        &self,
        kernel: K,
        dice: &mut Dice,
        stacks: &mut Stacks,
    ) -> Result<u32, Fault> {
        let mut barriers = 0;
        let [width, height] = self.size;
        let mut places: Vec<[u32; 2]> = (0..height)
            .flat_map(|y| (0..width).map(move |x| [x, y]))
            .collect();
        while let Some(place) = dice.draw(&mut places) {
            let shared = kernel.shared_words();
            let memory = Rc::clone(&self.memory);
            let mut block = Block::new(place, self.size, self.launch, shared, memory);
            block.skip = self.skip;
            let block = Rc::new(block);
            run_block(kernel, &block, dice, stacks)?;
            barriers = barriers.max(block.block_phase.get());
        }
        Ok(barriers)
    }
}

fn run_block<K: Kernel>(
    kernel: K,
    block: &Rc<Block>,
    dice: &mut Dice,
    stacks: &mut Stacks,
) -> Result<(), Fault> {
    let fault = |thread: u32, what: String| Fault {
        block: block.place,
        thread,
        what,
    };
    let told = Rc::new(RefCell::new(None));
    let start = |thread: u32| -> Result<Thread, Fault> {
        let stack = match stacks.0.pop() {
            Some(stack) => stack,
            None => DefaultStack::new(STACK)
                .map_err(|error| fault(thread, format!("no stack: {error}")))?,
        };
        let (block, told) = (Rc::clone(block), Rc::clone(&told));
        Ok(Coroutine::with_stack(stack, move |yielder, _: Answer| {
            kernel.run(Lane {
                block: &block,
                yielder,
                fault: &told,
                thread,
            });
        }))
    };
    let count = BLOCK as usize;
    let mut lanes = Lanes {
        threads: (0..BLOCK).map(start).collect::<Result<_, _>>()?,
        waits: vec![None; count],
        answers: vec![Answer::default(); count],
        ready: (0..count).collect(),
        ended: 0,
    };
    while let Some(lane) = dice.draw(&mut lanes.ready) {
        match lanes.threads[lane].resume(lanes.answers[lane]) {
            CoroutineResult::Return(()) => lanes.ended += 1,
            CoroutineResult::Yield(Wait::Fault) => {
                let told = told.borrow_mut().take();
                let (thread, what) = told.unwrap_or((lane as u32, "a fault".to_owned()));
                return Err(fault(thread, what));
            }
            CoroutineResult::Yield(wait) => {
                lanes.waits[lane] = Some(wait);
                lanes.settle(lane, wait, block);
            }
        }
    }
    if lanes.ended < count {
        let stuck = lanes.waits.iter().position(Option::is_some).unwrap_or(0);
        let what = format!(
            "a collective operation that not all threads take part in: {:?}",
            lanes.waits[stuck]
        );
        return Err(fault(stuck as u32, what));
    }
    let threads = lanes.threads.into_iter();
    stacks.0.extend(threads.map(Coroutine::into_stack));
    Ok(())
}

impl Lanes {
    /// Lets lanes go on if the one that came to wait was the last.
    fn settle(&mut self, lane: usize, wait: Wait, block: &Block) {
        if wait == Wait::Block {
            if self.waits.iter().all(|wait| *wait == Some(Wait::Block)) {
                block.block_phase.set(block.block_phase.get() + 1);
                self.release(0..BLOCK as usize);
            }
            return;
        }
        let warp = lane / WARP as usize;
        let first = warp * WARP as usize;
        let members = first..first + WARP as usize;
        let waits: Vec<Wait> = self.waits[members.clone()]
            .iter()
            .map_while(|wait| *wait)
            .collect();
        let all = |same: fn(&Wait, &Wait) -> bool| {
            waits.len() == WARP as usize && waits.iter().all(|other| same(other, &wait))
        };
        match wait {
            Wait::Warp if all(|a, b| a == b) => {
                let phase = &block.warp_phases[warp];
                phase.set(phase.get() + 1);
            }
            Wait::Shuffle { mask, .. } if all(same_shuffle) && mask < WARP => {
                for k in 0..WARP as usize {
                    if let Wait::Shuffle { bits, .. } = waits[k ^ mask as usize] {
                        self.answers[first + k] = [bits, 0, 0, 0];
                    }
                }
            }
            Wait::Multiply { .. } if all(same_multiply) => {
                let products = multiply::multiply(&waits);
                self.answers[members.clone()].copy_from_slice(&products);
            }
            _ => return,
        }
        self.release(members);
    }

    fn release(&mut self, lanes: std::ops::Range<usize>) {
        self.waits[lanes.clone()].fill(None);
        self.ready.extend(lanes);
    }
}

fn same_shuffle(a: &Wait, b: &Wait) -> bool {
    match (a, b) {
        (Wait::Shuffle { mask: a, .. }, Wait::Shuffle { mask: b, .. }) => a == b,
        _ => false,
    }
}

fn same_multiply(a: &Wait, b: &Wait) -> bool {
    matches!((a, b), (Wait::Multiply { .. }, Wait::Multiply { .. }))
}
