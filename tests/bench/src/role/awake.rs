//! Keeps a core awake, at a priority below everybody's.

use super::questions;

pub(super) fn run() {
    let _end_with_parent = questions();
    loop {
        std::hint::spin_loop();
    }
}
