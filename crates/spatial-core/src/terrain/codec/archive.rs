//! Codec archive: residuals of fitted predictions, each coded with the scale of its surroundings.
//!
//! ```text
//!  0   1   0: alone                                      1: the parent's samples are known
//!  1   2   first sample, i16                             30   weights of the groups, class after class, i16
//!  …  18   weights of the nine neighbours, i16            –
//!  …  15   scales of the contexts, a nibble each         45   likewise, of each class
//!  …  32   first states of the four coders, u64          32   likewise
//!  …   …   words that refill them, u32                    …   likewise
//! ```
//! A tile is written in the way that is smaller.

use super::between::{self, CLASSES, GROUPS, Place};
use super::fit::fit;
use super::rans::{self, CODERS, Decoder};
use super::scales::{self, Residual, SCALES_BYTES, Scales, context_of, size_of};
use super::sweep::{LANES, Step, TAPS, Visitor, Weights, sweep};
use super::words::u16_at;

/// The first byte of a payload.
const ALONE: u8 = 0;
const WITH_PARENT: u8 = 1;
/// Sizes in an activity.
const ACTIVITY_SUM: u16 = 8;
/// Bytes of the weights of all classes.
const GROUPS_BYTES: usize = 2 * CLASSES * GROUPS;

/// The payload of `side`² samples; `even` are those at even places, if the parent has them.
pub(crate) fn encode(side: usize, samples: &[i16], even: Option<&[i16]>) -> Vec<u8> {
    let alone = encode_alone(side, samples);
    // A parent that does not fit cannot help.
    let fits = |even: &&[i16]| {
        let rows = samples.chunks(side).step_by(2);
        rows.flat_map(|row| row.iter().step_by(2)).eq(even.iter())
    };
    if even.filter(fits).is_none() {
        return alone;
    }
    let between = encode_between(side, samples);
    if between.len() < alone.len() {
        between
    } else {
        alone
    }
}

/// Whether a payload is decoded with the parent's samples.
pub(crate) fn needs_parent(payload: &[u8]) -> bool {
    payload.first() == Some(&WITH_PARENT)
}

/// The samples again; `None` when the payload is damaged.
pub(crate) fn decode(side: usize, payload: &[u8], even: Option<&[i16]>) -> Option<Vec<i16>> {
    match payload.split_first()? {
        (&ALONE, rest) => decode_alone(side, rest),
        (&WITH_PARENT, rest) => decode_between(side, rest, even?),
        _ => None,
    }
}

/// The payload without a parent.
pub(crate) fn encode_alone(side: usize, samples: &[i16]) -> Vec<u8> {
    let weights = fit(side, samples);
    let mut residuals = Vec::with_capacity(samples.len() - 1);
    let mut before = 0;
    for i in 1..side {
        let value = samples[i].wrapping_sub(samples[i - 1]);
        residuals.push(Residual {
            context: context_of(before * ACTIVITY_SUM) as u8,
            coder: (i % CODERS) as u8,
            value,
        });
        before = size_of(value);
    }
    let mut again = samples.to_vec();
    let mut write = Write {
        side,
        samples,
        residuals: &mut residuals,
    };
    sweep(side, &weights, &mut again, &mut write);
    let scales = scales::choose(&residuals);
    let mut out = vec![ALONE];
    out.extend(samples[0].to_le_bytes());
    out.extend(weights.iter().flat_map(|w| w.to_le_bytes()));
    out.extend(scales);
    out.extend(rans::encode(&residuals, |_| scales::unpack(&scales)));
    out
}

fn decode_alone(side: usize, payload: &[u8]) -> Option<Vec<i16>> {
    let (first, rest) = payload.split_first_chunk::<2>()?;
    let (weights, rest) = rest.split_first_chunk::<{ 2 * TAPS }>()?;
    let (scales, coded) = rest.split_first_chunk::<SCALES_BYTES>()?;
    let mut read = Read {
        scales: scales::unpack(scales),
        decoder: Decoder::new(coded)?,
    };
    let mut samples = vec![0; side * side];
    samples[0] = i16::from_le_bytes(*first);
    let mut before = 0;
    for i in 1..side {
        let scale = read.scales[context_of(before * ACTIVITY_SUM)];
        let residual = read.decoder.next(scale, i % CODERS);
        samples[i] = samples[i - 1].wrapping_add(residual);
        before = size_of(residual);
    }
    let weights: Weights = std::array::from_fn(|k| u16_at(weights, 2 * k) as i16);
    sweep(side, &weights, &mut samples, &mut read);
    read.decoder.is_done().then_some(samples)
}

struct Write<'a> {
    side: usize,
    samples: &'a [i16],
    residuals: &'a mut Vec<Residual>,
}

impl Visitor for Write<'_> {
    const WANTS_ACTIVITY: bool = true;

    #[inline(always)]
    fn visit(
        &mut self,
        step: &Step,
        prediction: &[i16; LANES],
        activity: &[u16; LANES],
    ) -> [i16; LANES] {
        let mut new = [0; LANES];
        for lane in step.first..step.end {
            new[lane] = self.samples[step.index(self.side, lane)];
            self.residuals.push(Residual {
                context: context_of(activity[lane]) as u8,
                coder: (lane % CODERS) as u8,
                value: new[lane].wrapping_sub(prediction[lane]),
            });
        }
        new
    }
}

struct Read<'a> {
    scales: Scales,
    decoder: Decoder<'a>,
}

impl Visitor for Read<'_> {
    const WANTS_ACTIVITY: bool = true;

    #[inline(always)]
    fn visit(
        &mut self,
        step: &Step,
        prediction: &[i16; LANES],
        activity: &[u16; LANES],
    ) -> [i16; LANES] {
        let mut new = [0; LANES];
        for lane in step.first..step.end {
            let scale = self.scales[context_of(activity[lane])];
            new[lane] = prediction[lane].wrapping_add(self.decoder.next(scale, lane % CODERS));
        }
        new
    }
}

/// The payload of what is not at even places.
pub(crate) fn encode_between(side: usize, samples: &[i16]) -> Vec<u8> {
    let weights = between::fit(side, samples);
    let mut write = WriteBetween {
        samples,
        weights: &weights,
        sizes: vec![0; side * side],
        classes: Default::default(),
        order: Vec::new(),
    };
    between::each(side, &mut write);
    let WriteBetween { classes, order, .. } = write;
    let scales = classes
        .each_ref()
        .map(|residuals| scales::choose(residuals));
    let unpacked = scales.each_ref().map(scales::unpack);
    let mut next = classes.each_ref().map(|residuals| residuals.iter());
    let residuals: Vec<_> = order
        .iter()
        .filter_map(|class| next[*class].next().copied())
        .collect();
    let mut out = vec![WITH_PARENT];
    out.extend(weights.as_flattened().iter().flat_map(|w| w.to_le_bytes()));
    out.extend(scales.as_flattened());
    out.extend(rans::encode(&residuals, |k| unpacked[order[k]]));
    out
}

fn decode_between(side: usize, payload: &[u8], even: &[i16]) -> Option<Vec<i16>> {
    let (weights, rest) = payload.split_first_chunk::<GROUPS_BYTES>()?;
    let weights = std::array::from_fn(|c| {
        std::array::from_fn(|k| u16_at(weights, 2 * (c * GROUPS + k)) as i16)
    });
    let (scales, coded) = rest.split_first_chunk::<{ CLASSES * SCALES_BYTES }>()?;
    let scales: [Scales; CLASSES] = std::array::from_fn(|class| {
        let bytes = scales[class * SCALES_BYTES..]
            .first_chunk()
            .expect("as many as classes");
        scales::unpack(bytes)
    });
    let decoder = Decoder::new(coded)?;
    let mut samples = vec![0; side * side];
    let rows = even.chunks(side / 2 + 1).zip(samples.chunks_mut(2 * side));
    for (known, row) in rows {
        for (to, from) in row[..side].iter_mut().step_by(2).zip(known) {
            *to = *from;
        }
    }
    let mut read = ReadBetween {
        samples: &mut samples,
        weights: &weights,
        sizes: vec![0; side * side],
        scales,
        decoder,
    };
    between::each(side, &mut read);
    read.decoder.is_done().then_some(samples)
}

struct WriteBetween<'a> {
    samples: &'a [i16],
    weights: &'a between::Weights,
    sizes: Vec<u16>,
    classes: [Vec<Residual>; CLASSES],
    order: Vec<usize>, // classes in the order of places
}

impl between::Visitor for WriteBetween<'_> {
    fn visit<const EVEN: bool>(&mut self, place: Place<EVEN>) {
        let prediction = place.prediction(self.samples, self.weights);
        let value = self.samples[place.index].wrapping_sub(prediction);
        self.classes[place.class()].push(Residual {
            context: context_of(place.activity(&self.sizes)) as u8,
            coder: (place.index % CODERS) as u8,
            value,
        });
        self.sizes[place.index] = size_of(value);
        self.order.push(place.class());
    }
}

struct ReadBetween<'a> {
    samples: &'a mut [i16],
    weights: &'a between::Weights,
    sizes: Vec<u16>,
    scales: [Scales; CLASSES],
    decoder: Decoder<'a>,
}

impl between::Visitor for ReadBetween<'_> {
    #[inline(always)]
    fn visit<const EVEN: bool>(&mut self, place: Place<EVEN>) {
        let scale = self.scales[place.class()][context_of(place.activity(&self.sizes))];
        let residual = self.decoder.next(scale, place.index % CODERS);
        self.sizes[place.index] = size_of(residual);
        let prediction = place.prediction(self.samples, self.weights);
        self.samples[place.index] = prediction.wrapping_add(residual);
    }
}
