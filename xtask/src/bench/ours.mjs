// Our decoders as the benchmark of codecs asks them: stored values as bytes, little endian and interleaved, colours as RGB.
import { decode } from './ours/codec_bench.js';

// One transfer syntax of each codec; which of its kinds a stream is, the stream says.
const SYNTAXES = {
  rle: '1.2.840.10008.1.2.5',
  jpg8: '1.2.840.10008.1.2.4.50',
  jpg12: '1.2.840.10008.1.2.4.51',
  ljpg: '1.2.840.10008.1.2.4.57',
  jls: '1.2.840.10008.1.2.4.81',
  j2k: '1.2.840.10008.1.2.4.91',
  jxl: '1.2.840.10008.1.2.4.112',
  htj2k: '1.2.840.10008.1.2.4.203',
};

export default async () => ({
  decode: (syntax, bytes, m) => decode(bytes, SYNTAXES[syntax], m.h, m.w, m.comps, m.bits, Boolean(m.signed)),
});
