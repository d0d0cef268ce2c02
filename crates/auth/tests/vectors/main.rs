//! Runs every case of `tests/data/auth_vectors.json`, and of one more file of the same form if the environment
//! variable `KABAO_AUTH_VECTORS` names one.

#[cfg(test)]
mod calling_side;
#[cfg(test)]
mod primitives;
#[cfg(test)]
mod receiving_side;
#[cfg(test)]
mod serving_side;
#[cfg(test)]
mod support;
