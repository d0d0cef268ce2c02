//! What callers of every language rely on, asked of a real server over a real socket.

mod admission;
mod change_id;
mod concurrency;
mod deadline;
mod health;
mod panic;
mod protocol;
mod reflection;
mod request_id;
mod sender;
mod shed;
mod shed_methods;
mod size;
mod stall;
mod support;
mod withdrawn;
mod written_down;
