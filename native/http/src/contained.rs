//! Where a panic ends one request and not the process.
//!
//! The law: what is told of one is where in the code it was, never its words: they may quote a payload.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}
static NOTING: Once = Once::new();

/// What `act` returns, or where in the code it panicked.
///
/// # Errors
/// It panicked.
pub fn contained<T>(act: impl FnOnce() -> T) -> Result<T, String> {
    NOTING.call_once(note_places);
    INSIDE.set(true);
    let done = catch_unwind(AssertUnwindSafe(act));
    INSIDE.set(false);
    done.map_err(|_| PLACE.take())
}

/// A panic that is contained says nothing on standard error; any other does what it did.
fn note_places() {
    let before = take_hook();
    set_hook(Box::new(move |panic| {
        if INSIDE.get() {
            let place = panic.location().map_or_else(|| "unknown".to_owned(), ToString::to_string);
            PLACE.set(place);
        } else {
            before(panic);
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::contained;

    #[test]
    fn a_panic_is_its_place() {
        let place = contained(|| {
            if std::hint::black_box(true) {
                panic!("a secret")
            }
        })
        .unwrap_err();
        assert!(place.contains("contained.rs:"), "{place}");
        assert!(!place.contains("secret"));
        assert_eq!(contained(|| 7), Ok(7));
    }
}
