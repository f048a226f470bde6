//! The latest inputs of a client, by number.

use super::inputs::Asked;

/// Inputs that are remembered: a datagram's 16, and as many for those that come late.
pub(super) const WINDOW: u32 = 32;

/// The contents of the latest inputs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Window {
    pub(super) newest: u32, // number of the newest input; 0: there is none
    pub(super) there: u32,  // bit k: input newest − k came
    pub(super) turned: u32, // up to this number turns are not judged
    pub(super) inputs: [Asked; WINDOW as usize], // input n is at n modulo WINDOW
}

/// What a window makes of an input.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Known {
    /// It is new.
    New,
    /// It came before.
    Same,
    /// Another one of its number came before.
    Other,
    /// Its number is over.
    Over,
}

impl Window {
    /// Whether inputs up to a number are over.
    pub(super) fn is_over(&self, seq: u32) -> bool {
        u64::from(seq) + u64::from(WINDOW) <= u64::from(self.newest)
    }

    pub(super) fn known(&self, seq: u32, input: &Asked) -> Known {
        if self.is_over(seq) {
            return Known::Over;
        }
        match self.get(seq) {
            None => Known::New,
            Some(same) if same == input => Known::Same,
            Some(_) => Known::Other,
        }
    }

    /// The input of a number, if it came and is not over.
    pub(super) fn get(&self, seq: u32) -> Option<&Asked> {
        let back = self.newest.checked_sub(seq).filter(|back| *back < WINDOW)?;
        let is_there = seq > 0 && self.there >> back & 1 == 1;
        is_there.then(|| &self.inputs[(seq % WINDOW) as usize])
    }

    /// The last input before a number that came, and how many numbers before.
    pub(super) fn before(&self, seq: u32) -> Option<(&Asked, u32)> {
        let back = (1..WINDOW).take_while(|back| *back < seq);
        back.into_iter()
            .find_map(|back| Some((self.get(seq - back)?, back)))
    }

    /// The player has come into another frame: its client's next headings are of that one, from some input on.
    pub(super) fn cross(&mut self) {
        self.turned = self.newest.saturating_add(WINDOW);
    }

    /// Takes in an input that is new and not over.
    pub(super) fn put(&mut self, seq: u32, input: Asked) {
        if seq > self.newest {
            let on = seq - self.newest;
            self.there = self.there.checked_shl(on).unwrap_or(0);
            self.newest = seq;
        }
        self.there |= 1 << (self.newest - seq);
        self.inputs[(seq % WINDOW) as usize] = input;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(n: u16) -> Asked {
        Asked {
            heading: n,
            ..Asked::default()
        }
    }

    #[test]
    fn numbers_are_new_once_and_then_over() {
        let mut window = Window::default();
        assert_eq!(window.known(5, &input(5)), Known::New);
        window.put(5, input(5));
        window.put(8, input(8));
        assert_eq!(window.known(5, &input(5)), Known::Same);
        assert_eq!(window.known(5, &input(6)), Known::Other);
        assert_eq!(window.known(6, &input(6)), Known::New);
        assert_eq!(window.before(8), Some((&input(5), 3)));
        assert_eq!(window.before(5), None);
        window.put(36, input(36));
        assert_eq!(window.known(5, &input(5)), Known::Same);
        window.put(37, input(37));
        assert_eq!(window.known(5, &input(5)), Known::Over);
        assert_eq!(window.known(6, &input(6)), Known::New);
        window.put(u32::MAX, input(0));
        assert_eq!(window.known(37, &input(37)), Known::Over);
        assert_eq!(window.before(u32::MAX), None);
    }
}
