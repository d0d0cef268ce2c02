//! Work on many things at a time, whose results come in the order of the things.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::{Mutex, PoisonError};
use std::thread::{self, Scope, ScopedJoinHandle};

use tokio::runtime::Handle;

/// Has `work` done on each of the items, on so many threads at most, of which this is one.
///
/// Whoever is ready takes the next item, so that one which takes long holds up no other.
pub(super) fn map<T, R, W>(items: Vec<T>, threads: NonZero<usize>, work: W) -> Vec<R>
where
    T: Send,
    R: Send,
    W: Fn(T) -> R + Sync,
{
    let threads = threads.get().min(items.len());
    if threads <= 1 {
        return items.into_iter().map(work).collect();
    }
    let next = Mutex::new(items.into_iter().enumerate());
    let take = || next.lock().unwrap_or_else(PoisonError::into_inner).next();
    let run = || {
        let mut done = Vec::new();
        while let Some((index, item)) = take() {
            done.push((index, work(item)));
        }
        done
    };
    // What is made tells time by the clock of this runtime.
    let runtime = Handle::try_current().ok();
    let beside = || {
        let _entered = runtime.as_ref().map(Handle::enter);
        run()
    };
    let mut done = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).filter_map(|_| spawn(scope, &beside)).collect();
        let mut done = run();
        for other in others {
            match other.join() {
                Ok(more) => done.extend(more),
                Err(panic) => resume_unwind(panic),
            }
        }
        done
    });
    done.sort_unstable_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

/// One thread more; there is just one fewer if the system has none.
fn spawn<'scope, R: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: &'scope (impl Fn() -> R + Sync),
) -> Option<ScopedJoinHandle<'scope, R>> {
    let builder = thread::Builder::new().name("kabao-reading".to_owned());
    builder.spawn_scoped(scope, work).ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items_whoever_is_ready_first() {
        for threads in [1, 2, 3, 100] {
            let threads = NonZero::new(threads).unwrap();
            let doubled = map((0..50).collect(), threads, |number: u32| number * 2);
            let expected: Vec<_> = (0..50).map(|number| number * 2).collect();
            assert_eq!(doubled, expected, "{threads}");
        }
        let none = map(Vec::<u32>::new(), NonZero::new(4).unwrap(), |number| number);
        assert!(none.is_empty());
    }

    #[test]
    fn so_many_are_worked_on_at_a_time() {
        const THREADS: usize = 3;
        // Nobody goes on before so many have come.
        let all = Barrier::new(THREADS);
        let threads = NonZero::new(THREADS).unwrap();
        let done = map((0..THREADS).collect(), threads, |number| {
            all.wait();
            number
        });
        assert_eq!(done, [0, 1, 2]);
    }

    #[tokio::test]
    async fn every_thread_is_in_the_runtime_that_has_the_work_done() {
        let all = Barrier::new(2);
        let own = Handle::current().id();
        let ids = map(vec![(), ()], NonZero::new(2).unwrap(), |()| {
            all.wait();
            Handle::try_current().map(|runtime| runtime.id()).ok()
        });
        assert_eq!(ids, [Some(own), Some(own)]);
    }
}
