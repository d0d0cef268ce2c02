//! What the codec reads and writes is what others write and read.

mod every_message;
mod messages;
mod oddities;
mod rules;
