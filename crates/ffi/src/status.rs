//! The status codes: append-only, never renumbered.

/// Success. Every other status is negative.
pub const BM_OK: i32 = 0;
/// A defect of the library was contained. The object that the call was about answers only this from now on;
/// close it.
pub const BM_ERROR_PANIC: i32 = -1;
/// A pointer that must not be null is null.
pub const BM_ERROR_NULL: i32 = -2;
/// The handle is null, already closed, or of another kind.
pub const BM_ERROR_HANDLE: i32 = -3;
/// A value is out of its range, not finite, or a text cannot be understood.
pub const BM_ERROR_ARGUMENT: i32 = -4;
/// `struct_size` is not the size of any version of the struct.
pub const BM_ERROR_STRUCT_SIZE: i32 = -5;
/// As many objects of the kind are open as the library allows.
pub const BM_ERROR_LIMIT: i32 = -6;
/// A file cannot be read or is damaged; the message names it.
pub const BM_ERROR_FILE: i32 = -7;
/// There is no terrain at the place.
pub const BM_ERROR_NO_TERRAIN: i32 = -8;
/// No session came about: nobody answered, it is not the server of the ticket, or it refused.
pub const BM_ERROR_CONNECT: i32 = -9;
/// The session is over; the message says why.
pub const BM_ERROR_ENDED: i32 = -10;
