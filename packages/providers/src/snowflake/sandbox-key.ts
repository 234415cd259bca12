/**
 * Of the fake alone: anybody may read it, for its passphrase stands in `sandboxConfig`, and no account of Snowflake knows it.
 * The body of a PEM, on one line as it goes through an environment.
 */
export const SANDBOX_KEY = [
  "MIIFLTBXBgkqhkiG9w0BBQ0wSjApBgkqhkiG9w0BBQwwHAQIMRawq0CB3JACAggA",
  "MAwGCCqGSIb3DQIJBQAwHQYJYIZIAWUDBAEqBBBNqtRMj9gXOJ1bh21phAJCBIIE",
  "0D3HLaQSAq7iRDk4hG0RRXGC8G04scJ1Bpx79zIKCx8c9+msZuIXtjdg0fBGlFrx",
  "qyK1eChX0CreZgQlgZhrc5olpFyRVVLgZyBCVMO/xKCPN7UlFaNUKviEPL03xZ9e",
  "QZxCLH0jlFrxmACBzfE+lCyxZ2rQXWsdX7Eir1j1coMuDSAL0stVTu17fVre7SjM",
  "PQfYOzTHpCgMGNvpzknvneqEtWFKsZtkZCuntD4aq6Zl7j9VfvevADg+m6f7NYAq",
  "Lrd6WhR3//dVnGoMz0wBIKmgOaAemg8COTucldBMVOuwxxDyljLSPbGzhs4mXFfB",
  "wUTaBMhrp+a2wVBVXuto7GzK7izDbVMuOPsTDjdkWgYIT3wsJ0DBdCwqjAWXiZT5",
  "tf5upcEpo3ZkG6FQiNEudpbfkdkuXQcyuEf19284vl01JAPwhp9J4TbJUmxinax4",
  "+9Fy9pAIpK9Kubu3Ckr5D36Xjk2+I4/TotfnSDTvgTnlub/CiEnaoniTeh3cZGwL",
  "kYGW9xSqKRg08Y0JFoLOtqDNM3vTPYE3ewGgIKpAj7LWRytz6emrk10/vpnpsl3j",
  "GYFwQkHFu3iteB+wlZWn3XXhRh6VqB6XPsQaSpSTVxSgSo7czcVDz4yyHwjpzifo",
  "vB4q9/N7xdMEsTK4E6/6cDCT0qAyMmz5zcE7efO0dIgNjiNbPHZwREGxPJPN3i9L",
  "gjELxg6MzoFP3ChXHgBW54swk1oYpG6OqThCGqs1+jtqdl/x85jwxnnERUAKbDuJ",
  "VxdG+Ej0+SkFBkWnHZOdeq/hm4urENrdYOPJNL26zF95+g95yQ4ASCcriTRcSTFX",
  "toeKPAAOGxVfgwTf2r3CHsQe2G4A+pgPSXUIT3NKNwIKVmJ+/5l3qcjQRsT3VRzx",
  "bg0CiLpY0Oql7TDoZV0ttFlSKN1NIUJxA7vjnyX7SJeCSF0Z0tfH4B9zBeJ8eLLU",
  "eGm+7KVPQ6S8XhB26E1l50VvSUjw1hr2kGISHIIsQanvt9aa8WveIAFCchVhLbwE",
  "7pIj3HWXoDlBsHOQ1mSGzWwkOXLOlnFu21NNwU2i8H4qCKKs5Iv1+DpR1ub+EL0H",
  "d7TFn4hmF8ulnqsWx9bloxeeloHDfSAV/GXwewLXD30jtApWRxolGEG7OEA5xyUY",
  "ViU0iGPVBw1kEolKPLCy5TELP0WN8xR24rZDJMKRHPB7Yrn9XiBBr0gQL408WIeU",
  "1w6kO9BrYcN5P+dN2bMpiLSrhVO8p0DbneYL591PAr6GP1Du2qEXyBPyJquiUokT",
  "FDsLhun8fqqGmzs0EpQVtuewQguNP+PNnWxQ35IEhuO9PA2xPe7h/j0gGhUE+HjH",
  "gMWAn3J44LUGZ9W+FdTPvbmFVSJE6jFpSCdLGXkDearoZKQJ3eMsG1QDMF1v06Mq",
  "HwA9LrTGHGTJj6PCycigbv7VkPF+ngBhMceJMRKDnRq1p9rUS3u2j7N67m+SKJXv",
  "mIk1rlLPkMiugkE6oV/7zfntZz298iAzqyNrxe7d+eFvm7tkFTqyqz5GUkqFxO7j",
  "mTiLmjsDvGAk+uP6KrUxTj0ho0npwBF/DvYMYkYr4vmrBPD8goBVaHG2M/OLHaKE",
  "BiROGpFwv1frCgJtmeQqhbod0N0e3b5Kkqp3UW2savqC",
].join("");
