//! The connections that are kept for the next request of their origin.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::deadlines::Whose;
use crate::target::Origin;

/// As long as libcurl keeps one.
const KEPT: Duration = Duration::from_secs(118);
const ALWAYS_REMEMBERED: usize = 256;

/// Idle connections, by their places.
#[derive(Debug, Default)]
pub struct Idle {
    by_origin: HashMap<Arc<Origin>, Vec<usize>>,
    since: VecDeque<(Instant, Whose)>, // and those that are idle no longer, until they are swept
    count: usize,
}

impl Idle {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// One more. `still` tells whether one is idle, and has been since then.
    pub fn add(&mut self, origin: &Arc<Origin>, whose: Whose, now: Instant, still: impl Fn(Whose) -> bool) {
        if self.since.len() > ALWAYS_REMEMBERED + 4 * self.count {
            self.since.retain(|(_, each)| still(*each));
        }
        if self.by_origin.len() > ALWAYS_REMEMBERED + 4 * self.count {
            self.by_origin.retain(|_, places| !places.is_empty());
        }
        self.since.push_back((now, whose));
        self.count += 1;
        if let Some(places) = self.by_origin.get_mut(origin) {
            places.push(whose.place);
        } else {
            self.by_origin.insert(origin.clone(), vec![whose.place]);
        }
    }

    /// Take the one of this origin that was used last and may be used.
    pub fn take(&mut self, origin: &Origin, may: impl Fn(usize) -> bool) -> Option<usize> {
        let places = self.by_origin.get_mut(origin)?;
        let at = places.iter().rposition(|&place| may(place))?;
        let place = places.remove(at);
        self.count -= 1;
        Some(place)
    }

    /// It is idle no longer.
    pub fn remove(&mut self, origin: &Origin, place: usize) {
        let Some(places) = self.by_origin.get_mut(origin) else { return };
        let before = places.len();
        places.retain(|&each| each != place);
        self.count -= before - places.len();
    }

    /// The one that has been idle longest, where that is too long or there are too many.
    pub fn outlived(&mut self, now: Instant, too_many: bool, still: impl Fn(Whose) -> bool) -> Option<usize> {
        while let Some(&(since, whose)) = self.since.front() {
            if !still(whose) {
                self.since.pop_front();
            } else if too_many || now.duration_since(since) > KEPT {
                self.since.pop_front();
                return Some(whose.place);
            } else {
                return None;
            }
        }
        None
    }
}
