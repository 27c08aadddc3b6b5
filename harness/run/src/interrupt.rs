//! Ctrl-C and SIGTERM: the first asks training to save and stop, a second Ctrl-C
//! stops the program at once.
//!
//! What runs inside of the signal handler is `signal-hook`'s: setting atomic flags
//! and `_exit`, both of which a handler may do. The same calls work on Windows,
//! where the C library has SIGINT for Ctrl-C, and SIGTERM for what raises it itself.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use signal_hook::{
    consts::signal::{SIGINT, SIGTERM},
    flag,
};

use super::RunError;

/// A request to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// What `kill`, a batch system or a shutdown sends.
    Terminate,
}

impl Signal {
    /// The exit status by which a shell knows the signal: 128 and its number.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }

    fn number(self) -> i32 {
        match self {
            Self::Interrupt => SIGINT,
            Self::Terminate => SIGTERM,
        }
    }
}

/// Listens to signals. When it is dropped, the next signal of either kind ends the
/// program at once, as if nobody had ever listened.
#[derive(Debug)]
pub struct Interrupt {
    /// Number of the latest signal; 0 is none.
    latest: Arc<AtomicUsize>,
    /// Whether a Ctrl-C ends the program.
    armed: Arc<AtomicBool>,
    /// Whether a SIGTERM does: not a second one, which batch systems send as a matter
    /// of course while the first is still being obeyed.
    dropped: Arc<AtomicBool>,
}

impl Interrupt {
    /// Starts to listen, once for the program.
    pub fn install() -> Result<Self, RunError> {
        let this = Self {
            latest: Arc::default(),
            armed: Arc::default(),
            dropped: Arc::default(),
        };
        this.register().map_err(RunError::Signals)?;
        Ok(this)
    }

    fn register(&self) -> std::io::Result<()> {
        // Actions run in this order. The way out comes before the arming: the other
        // way round, the first Ctrl-C would arm it and take it.
        for (signal, when) in [
            (Signal::Interrupt, &self.armed),
            (Signal::Terminate, &self.dropped),
        ] {
            let (number, status) = (signal.number(), i32::from(signal.exit_code()));
            flag::register_conditional_shutdown(number, status, Arc::clone(when))?;
            flag::register(number, Arc::clone(&self.armed))?;
            flag::register_usize(number, Arc::clone(&self.latest), number as usize)?;
        }
        Ok(())
    }

    /// The latest signal, if there was one.
    pub fn requested(&self) -> Option<Signal> {
        let latest = self.latest.load(Ordering::SeqCst);
        [Signal::Interrupt, Signal::Terminate]
            .into_iter()
            .find(|signal| signal.number() as usize == latest)
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        // Taking the handlers away would leave the signals ignored.
        self.armed.store(true, Ordering::SeqCst);
        self.dropped.store(true, Ordering::SeqCst);
    }
}
