//! When something is to be looked at again. What has ended meanwhile stays in the heap until it is in the way.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

/// Something with a place that another may take later: the serial tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Whose {
    /// Where it is.
    pub place: usize,
    /// Which it is.
    pub serial: u64,
}

const ALWAYS_KEPT: usize = 256;

/// Times, each with whose it is.
#[derive(Debug, Default)]
pub struct Deadlines(BinaryHeap<Reverse<(Instant, Whose)>>);

impl Deadlines {
    /// One more. `alive` tells what has not ended, of which there are `living`: the rest is swept when it is the most.
    pub fn add(&mut self, at: Instant, whose: Whose, living: usize, alive: impl Fn(Whose) -> bool) {
        if self.0.len() > ALWAYS_KEPT + 4 * living {
            self.0.retain(|Reverse((_, each))| alive(*each));
        }
        self.0.push(Reverse((at, whose)));
    }

    /// The first that is due; of nothing that is, None.
    pub fn due(&mut self, now: Instant) -> Option<Whose> {
        let Reverse((at, _)) = self.0.peek()?;
        if *at > now {
            return None;
        }
        self.0.pop().map(|Reverse((_, whose))| whose)
    }

    /// When the first will be.
    pub fn next(&self) -> Option<Instant> {
        self.0.peek().map(|Reverse((at, _))| *at)
    }
}
